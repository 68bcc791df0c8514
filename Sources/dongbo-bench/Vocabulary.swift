/// Words of administrative Vietnamese, composed (NFC), two and three bytes a letter. Nobody real.
enum Vocabulary {
  static let words: [String] =
    """
    ủy ban nhân dân tỉnh thành phố quyết định phê duyệt kế hoạch triển khai thực hiện chỉ đạo của \
    thủ tướng chính phủ về việc tăng cường quản lý ngân sách nhà nước năm tài chính báo cáo tình \
    hình phòng chống thiên tai lũ lụt hạn hán xâm nhập mặn đồng bằng sông Cửu Long dự án đầu tư \
    xây dựng cơ sở hạ tầng giao thông nông thôn mới chuyển đổi số dịch vụ công trực tuyến hồ sơ \
    một cửa liên thông giải quyết thủ tục hành chính đúng hạn trước hạn quá hạn sở kế hoạch và \
    sở tài chính kho bạc phường xã thị trấn huyện quận bổ sung kinh phí sự nghiệp giáo dục y tế \
    bảo hiểm xã hội người lao động doanh nghiệp nhỏ và vừa hỗ trợ lãi suất giải ngân vốn đầu tư \
    công văn đến công văn đi tờ trình thông báo kết luận nghị quyết hội đồng nhân dân kỳ họp
    """.split(separator: " ").map(String.init)

  static let documentTypes: [(code: String, name: String)] = [
    ("QĐ", "Quyết định"), ("CV", "Công văn"), ("TTr", "Tờ trình"), ("BC", "Báo cáo"),
  ]
  static let positions = ["Bí thư", "Phó Bí thư", "Chánh Văn phòng", "Chủ tịch"]
  static let counterparties = ["Nhà cung cấp", "Nhà thầu", "Kho bạc Nhà nước", "Đơn vị trực thuộc"]
  static let accounts = ["111", "112", "211", "366", "511", "611"]
}
