import CZlib

/// A zip archive of stored members, without folders and with one fixed date: equal members give equal bytes.
/// Source: PKWARE APPNOTE 6.3.10.
enum ZipWriter {
  /// Nil where the archive would need Zip64 (4 GiB).
  static func bytes(of members: [(name: String, bytes: [UInt8])]) -> [UInt8]? {
    let total = members.reduce(0) { $0 + $1.bytes.count + 2 * $1.name.utf8.count + 76 }
    guard total < 0xFFFF_FFFF - 22, members.count < 0xFFFF else { return nil }
    var archive: [UInt8] = []
    archive.reserveCapacity(total + 22)
    var directory: [UInt8] = []
    for member in members {
      let offset = archive.count
      let description = description(of: member)
      archive += long(0x0403_4B50) + description + member.name.utf8
      archive += member.bytes
      // Made by version 2.0 on Unix; no comment, disk 0, readable and writable for the owner.
      directory += long(0x0201_4B50) + short(0x0314) + description
      directory += short(0) + short(0) + short(0) + long(0o100600 << 16) + long(offset)
      directory += member.name.utf8
    }
    let start = archive.count
    archive += directory + long(0x0605_4B50) + short(0) + short(0)
    archive += short(members.count) + short(members.count)
    archive += long(directory.count) + long(start) + short(0)
    return archive
  }

  /// What both headers of a member say: version 2.0, no flags, stored, 1980-01-01 0:00, checksum, sizes, lengths.
  private static func description(of member: (name: String, bytes: [UInt8])) -> [UInt8] {
    let crc = crc32(0, member.bytes, UInt32(member.bytes.count))
    let count = member.bytes.count
    return short(20) + short(0) + short(0) + short(0) + short(0x0021) + long(Int(crc))
      + long(count) + long(count) + short(member.name.utf8.count) + short(0)
  }

  private static func short(_ value: Int) -> [UInt8] {
    [UInt8(value & 0xFF), UInt8(value >> 8 & 0xFF)]
  }

  private static func long(_ value: Int) -> [UInt8] { short(value) + short(value >> 16) }
}
