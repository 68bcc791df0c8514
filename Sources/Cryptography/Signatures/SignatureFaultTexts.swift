extension SignatureFault: CustomStringConvertible {
  /// One line in English that says what to do where something can be done.
  package var description: String { Self.texts[self]?.en ?? reason }
  /// The same in Vietnamese.
  package var vietnamese: String { Self.texts[self]?.vi ?? reason }

  /// A test holds that each case has both.
  static let texts: [SignatureFault: (en: String, vi: String)] = Dictionary(
    uniqueKeysWithValues: (formTexts + makerTexts).map { ($0.0, ($0.1, $0.2)) })

  /// Faults of the form.
  static let formTexts: [(SignatureFault, String, String)] = [
    (
      .empty,
      "the signature has no bytes; attach the .p7s file again",
      "chữ ký rỗng; hãy đính lại tệp .p7s"
    ),
    (
      .tooLarge,
      "the signature is larger than 256 KiB; sign detached, with the chain only",
      "chữ ký lớn quá 256 KiB; hãy ký tách rời, chỉ kèm chuỗi chứng thư"
    ),
    (
      .truncated,
      "the signature is cut off; fetch the file again",
      "chữ ký bị cắt cụt; hãy lấy lại tệp"
    ),
    (
      .trailingBytes,
      "bytes follow the end of the signature; remove them",
      "có byte thừa sau chữ ký; hãy bỏ đi"
    ),
    (
      .malformed,
      "the bytes are not a CMS signature",
      "dữ liệu không phải chữ ký CMS"
    ),
    (
      .indefiniteLength,
      "the signature is in BER with indefinite lengths; write it in DER",
      "chữ ký ở dạng BER độ dài không xác định; hãy ghi dạng DER"
    ),
    (
      .notDER,
      "the signature is not in canonical DER; write it in DER",
      "chữ ký không ở dạng DER chuẩn; hãy ghi dạng DER"
    ),
    (
      .nestedTooDeep,
      "the signature is nested deeper than any real one",
      "chữ ký lồng sâu quá mức cho phép"
    ),
    (
      .tooManyElements,
      "the signature has more elements than any real one",
      "chữ ký có quá nhiều phần tử"
    ),
    (
      .tooManyCertificates,
      "more than 16 certificates are embedded; embed the chain only",
      "kèm quá 16 chứng thư; chỉ kèm chuỗi chứng thư"
    ),
    (
      .tooManySigners,
      "more signers than any real signature has",
      "số người ký trong một chữ ký vượt quá mức cho phép"
    ),
    (
      .notSignedData,
      "the CMS message is not signed data: encrypted, perhaps",
      "thông điệp CMS không phải dữ liệu đã ký, có thể là dữ liệu mã hóa"
    ),
    (
      .wrongVersion,
      "the version number does not fit the form of the signature",
      "số phiên bản không khớp dạng chữ ký"
    ),
    (
      .noSigner,
      "nobody signed: the list of signers is empty",
      "không có người ký nào trong chữ ký"
    ),
    (
      .severalSigners,
      "several signers in one signature; attach one signature a signer",
      "nhiều người ký trong một chữ ký; mỗi người hãy đính một chữ ký riêng"
    ),
    (
      .severalDigestAlgorithms,
      "not exactly one digest algorithm is announced",
      "không khai báo đúng một thuật toán băm"
    ),
    (
      .digestAlgorithmsDisagree,
      "the digest announced is not the signer's",
      "thuật toán băm khai báo khác với của người ký"
    ),
    (
      .wrongContentType,
      "what was signed is not a Dongbo manifest; sign with dongbo sign",
      "nội dung được ký không phải bản kê Dongbo; hãy ký bằng dongbo sign"
    ),
    (
      .attachedContent,
      "the signature carries its content; sign detached",
      "chữ ký kèm nội dung; hãy ký tách rời"
    ),
    (
      .otherCertificateForm,
      "an embedded certificate is not X.509",
      "chứng thư kèm theo không phải X.509"
    ),
    (
      .noSignedAttributes,
      "there are no signed attributes; sign in the form CAdES-BES",
      "không có thuộc tính được ký; hãy ký dạng CAdES-BES"
    ),
    (
      .strippedAttributes,
      "forgery: attributes of another signature are passed off as content; report it",
      "giả mạo: thuộc tính của chữ ký khác bị dùng làm nội dung; hãy báo cáo"
    ),
    (
      .duplicateAttribute,
      "a signed attribute stands twice",
      "một thuộc tính được ký bị lặp"
    ),
    (
      .unsignedAttributes,
      "unsigned attributes other than one time stamp; remove them",
      "có thuộc tính không ký khác ngoài một dấu thời gian; hãy bỏ đi"
    ),
    (
      .noContentType,
      "the signed attribute contentType is missing",
      "thiếu thuộc tính được ký contentType"
    ),
    (
      .contentTypesDisagree,
      "the signed content type is not the one announced",
      "loại nội dung được ký khác loại khai báo"
    ),
    (
      .noMessageDigest,
      "the signed attribute messageDigest is missing",
      "thiếu thuộc tính được ký messageDigest"
    ),
    (
      .severalMessageDigests,
      "messageDigest has not exactly one value",
      "messageDigest không có đúng một giá trị"
    ),
    (
      .severalAttributeValues,
      "a signed attribute has not exactly one value",
      "một thuộc tính được ký không có đúng một giá trị"
    ),
    (
      .messageDigestLength,
      "messageDigest is not as long as its digest algorithm makes it",
      "độ dài messageDigest không khớp thuật toán băm"
    ),
    (
      .noSigningCertificate,
      "signingCertificateV2 is missing; sign in the form CAdES-BES",
      "thiếu signingCertificateV2; hãy ký dạng CAdES-BES"
    ),
    (
      .signingCertificateV1,
      "the certificate is named by SHA-1 (signingCertificate); use signingCertificateV2",
      "chứng thư được dẫn bằng SHA-1 (signingCertificate); hãy dùng signingCertificateV2"
    ),
    (
      .digestSHA1,
      "SHA-1 is not accepted; sign with SHA-256",
      "không chấp nhận SHA-1; hãy ký với SHA-256"
    ),
    (
      .digestNotAllowed,
      "the digest is not SHA-256, SHA-384 or SHA-512",
      "thuật toán băm không phải SHA-256, SHA-384 hoặc SHA-512"
    ),
    (
      .signatureAlgorithmNotAllowed,
      "the signature is neither RSA nor ECDSA with SHA-2",
      "chữ ký không phải RSA hoặc ECDSA với SHA-2"
    ),
    (
      .algorithmsDisagree,
      "digest, signature algorithm and key do not belong together",
      "thuật toán băm, thuật toán ký và khóa không khớp nhau"
    ),
    (
      .pssParameters,
      "RSA-PSS must name the signer's digest twice and a salt as long",
      "RSA-PSS phải dùng cùng thuật toán băm và salt đủ dài"
    ),
    (
      .rsaKeyTooShort,
      "the RSA key is shorter than 2048 bits",
      "khóa RSA ngắn hơn 2048 bit"
    ),
    (
      .rsaKeyTooLong,
      "the RSA key is longer than 8192 bits",
      "khóa RSA dài hơn 8192 bit"
    ),
    (
      .curveNotAllowed,
      "the curve is not P-256 or P-384, by name",
      "đường cong không phải P-256 hoặc P-384"
    ),
    (
      .keyNotAllowed,
      "the signer's key is neither RSA nor EC",
      "khóa của người ký không phải RSA hoặc EC"
    ),
    (
      .signerCertificateAbsent,
      "the signer's certificate is not in the signature; embed the chain",
      "chữ ký không kèm chứng thư của người ký; hãy kèm chuỗi chứng thư"
    ),
    (
      .ambiguousSignerCertificate,
      "two embedded certificates both fit the signer",
      "hai chứng thư kèm theo cùng khớp người ký"
    ),
    (
      .signerNotOnRoster,
      "the certificate is not one that the registry lists for signers",
      "chứng thư không có trong danh bạ người ký"
    ),
    (
      .strayCertificate,
      "an embedded certificate is not part of the chain; embed the chain only",
      "chứng thư kèm theo không thuộc chuỗi; chỉ kèm chuỗi chứng thư"
    ),
    (
      .negativeSerial,
      "a certificate has a negative serial number",
      "chứng thư có số sê-ri âm"
    ),
    (
      .certificateMalformed,
      "a certificate of the chain breaks RFC 5280",
      "một chứng thư trong chuỗi sai quy cách RFC 5280"
    ),
  ]
}
