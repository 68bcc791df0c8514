extension SignatureFault {
  /// Faults of the maker, his certificate, its chain or the time stamp.
  static let makerTexts: [(SignatureFault, String, String)] = [
    (
      .signatureMismatch,
      "the signature was not made by the key of this certificate",
      "chữ ký không do khóa của chứng thư này tạo ra"
    ),
    (
      .contentMismatch,
      "the signature is over other content",
      "chữ ký thuộc về nội dung khác"
    ),
    (
      .otherCertificateSigned,
      "the signer named another certificate than the one embedded",
      "người ký dẫn chứng thư khác với chứng thư kèm theo"
    ),
    (
      .authorityCertificate,
      "signed with the certificate of an authority, not of a person",
      "ký bằng chứng thư của cơ quan cấp, không phải của người ký"
    ),
    (
      .noKeyUsage,
      "the certificate does not say what its key is for (keyUsage)",
      "chứng thư không ghi mục đích của khóa (keyUsage)"
    ),
    (
      .keyUsageNotSigning,
      "the certificate's keyUsage allows neither digitalSignature nor nonRepudiation",
      "keyUsage của chứng thư không cho phép ký số"
    ),
    (
      .noExtendedKeyUsage,
      "the certificate has no extended key usage and no policy on the list",
      "chứng thư không có mục đích sử dụng mở rộng hoặc chính sách trong danh sách"
    ),
    (
      .anyExtendedKeyUsage,
      "the certificate is for any purpose; use one for signing",
      "chứng thư dùng cho mọi mục đích; hãy dùng chứng thư để ký"
    ),
    (
      .serverCertificate,
      "the certificate is for a TLS server; use one for signing",
      "chứng thư dành cho máy chủ TLS; hãy dùng chứng thư để ký"
    ),
    (
      .extendedKeyUsageNotSigning,
      "the certificate's extended key usages do not include signing",
      "mục đích sử dụng mở rộng của chứng thư không gồm ký"
    ),
    (
      .unknownAuthority,
      "the certificate does not lead to a trusted record authority",
      "chứng thư không dẫn tới cơ quan cấp được tin cậy"
    ),
    (
      .selfSigned,
      "the certificate is signed by itself",
      "chứng thư tự ký"
    ),
    (
      .certificateForged,
      "a signature in the certificate chain is wrong",
      "chữ ký trong chuỗi chứng thư sai"
    ),
    (
      .certificateExpired,
      "the signer's certificate had expired; attach a time stamp from before",
      "chứng thư người ký đã hết hạn; hãy đính dấu thời gian có trước đó"
    ),
    (
      .certificateNotYetValid,
      "the signer's certificate was not valid yet",
      "chứng thư người ký chưa có hiệu lực"
    ),
    (
      .authorityExpired,
      "a certificate above the signer's had expired or was not valid yet",
      "chứng thư cấp trên trong chuỗi hết hạn hoặc chưa có hiệu lực"
    ),
    (
      .certificateRevoked,
      "the signer's certificate is revoked",
      "chứng thư người ký đã bị thu hồi"
    ),
    (
      .authorityRevoked,
      "a certificate above the signer's is revoked",
      "chứng thư cấp trên trong chuỗi đã bị thu hồi"
    ),
    (
      .revocationListMissing,
      "no revocation list is installed; install the record authority's",
      "chưa cài danh sách thu hồi; hãy cài danh sách của cơ quan cấp"
    ),
    (
      .revocationListOfOtherIssuer,
      "the installed revocation lists are of other issuers",
      "danh sách thu hồi đã cài là của cơ quan cấp khác"
    ),
    (
      .revocationListDelta,
      "only a delta revocation list is installed; install the full one",
      "chỉ có danh sách thu hồi bổ sung (delta); hãy cài danh sách đầy đủ"
    ),
    (
      .revocationListExpired,
      "the revocation list is past its next update; install a new one",
      "danh sách thu hồi đã quá hạn; hãy cài danh sách mới"
    ),
    (
      .revocationListNotYetValid,
      "the revocation list starts later than this time; check the clock",
      "danh sách thu hồi chưa có hiệu lực vào thời điểm này; hãy kiểm tra đồng hồ"
    ),
    (
      .revocationListForged,
      "the revocation list is not signed by its issuer",
      "danh sách thu hồi không do cơ quan cấp ký"
    ),
    (
      .revocationListUnusable,
      "the revocation list does not cover this certificate, or says what we do not know",
      "danh sách thu hồi không áp dụng cho chứng thư này"
    ),
    (
      .unknownCriticalExtension,
      "a certificate has a critical extension that we do not know",
      "chứng thư có phần mở rộng bắt buộc không hiểu được"
    ),
    (
      .nameConstraint,
      "the authority may not issue certificates for this name",
      "cơ quan cấp không được cấp chứng thư cho tên này"
    ),
    (
      .pathTooLong,
      "there are more authorities in the chain than allowed",
      "chuỗi chứng thư dài quá mức cho phép"
    ),
    (
      .invalidAuthority,
      "a certificate in the chain was issued by one that is no authority",
      "chứng thư được cấp bởi bên không có quyền cấp"
    ),
    (
      .weakChain,
      "a key or signature in the certificate chain is too weak",
      "khóa hoặc chữ ký trong chuỗi chứng thư quá yếu"
    ),
    (
      .timestampMalformed,
      "the time-stamp token cannot be read",
      "không đọc được dấu thời gian"
    ),
    (
      .timestampOfOther,
      "the time stamp is over another signature",
      "dấu thời gian thuộc về chữ ký khác"
    ),
    (
      .timestampAlgorithm,
      "the time stamp uses an algorithm that is not on the list",
      "dấu thời gian dùng thuật toán không được phép"
    ),
    (
      .timestampForged,
      "the time stamp's own signature is wrong",
      "chữ ký của dấu thời gian sai"
    ),
    (
      .timestampUntrusted,
      "the time stamp is not from a trusted time-stamp authority",
      "dấu thời gian không do cơ quan cấp dấu thời gian được tin cậy tạo"
    ),
    (
      .timestampNoAnchor,
      "no time-stamp authority is installed, so no token can be verified",
      "chưa cài cơ quan cấp dấu thời gian nên không kiểm tra được"
    ),
    (
      .unverifiable,
      "OpenSSL refuses the signature for a reason that no rule of ours names",
      "OpenSSL từ chối chữ ký vì lý do khác"
    ),
  ]
}
