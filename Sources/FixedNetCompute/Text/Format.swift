import Foundation

/// Numbers as people read them.
package enum Format {
  /// 1234567 as 1,234,567.
  package static func grouped(_ number: Int) -> String {
    let digits = String(number.magnitude)
    var result = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
      result.append(digit)
    }
    return (number < 0 ? "-" : "") + result
  }

  package static func bytes(_ count: Int) -> String {
    "\(grouped(count)) bytes (\(binaryUnits(count)))"
  }

  /// Bytes in KiB or MiB.
  package static func binaryUnits(_ count: Int) -> String {
    count >= 1 << 20
      ? fixed(Double(count) / 0x1p20, 2) + " MiB" : fixed(Double(count) / 0x1p10, 2) + " KiB"
  }

  /// "1.2 GB", "3 MB".
  package static func gigabytes(_ count: Int) -> String {
    count >= 100_000_000
      ? fixed(Double(count) / 1e9, 1) + " GB" : "\(max(1, (count + 500_000) / 1_000_000)) MB"
  }

  package static func fixed(_ value: Double, _ digits: Int) -> String {
    value.isFinite ? String(format: "%.\(digits)f", value) : value.isNaN ? "nan" : "\(value)"
  }

  package static func percent(_ fraction: Double, _ digits: Int = 2) -> String {
    fixed(100 * fraction, digits) + " %"
  }

  /// Spaces and the text; `width`: columns of a terminal.
  package static func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - TextWidth.columns(of: text))) + text
  }
}
