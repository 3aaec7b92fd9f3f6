import CReader

/// Somebody's zip archive, of which a helper unpacks single members. Nothing in it is trusted: only the central
/// directory says what there is, only members that are asked for by their exact names are looked at, sizes are checked
/// before memory is allocated, and nothing is ever written to the disk.
/// Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.16 (its end).
struct ZipArchive {
  private let file: SealedFile
  private let entries: [Entry]
  /// Where the central directory starts: the members are in front of it.
  private let directoryStart: Int
  /// What is said of an archive that is damaged: what it should be, and what to do.
  struct Origin {
    var end: String
    var advice: String

    static let keras = Origin(end: ".keras", advice: "save the model again in Keras")
    static let numpy = Origin(end: ".npz", advice: "save it again with numpy.savez")
  }

  /// A member, as the central directory describes it.
  struct Entry: Equatable {
    var name: [UInt8]
    var flags: Int
    var method: Int
    var crc: UInt32
    var packedCount: Int
    var count: Int
    var offset: Int
  }

  /// A member that can be unpacked: where its content starts, and what the directory says of it.
  struct Place: Equatable {
    var start: Int
    var packedCount: Int
    var count: Int
    /// 0 stored, 8 deflated.
    var method: Int
    var checksum: UInt32
  }

  private static let entryLimit = 65_535
  private static let directoryLimit = 4 << 20
  /// The end record's own bytes, and the comment that may follow it.
  private static let endCount = 22
  private static let commentLimit = 65_535

  static func isZip(_ start: [UInt8]) -> Bool { start.starts(with: [0x50, 0x4B, 0x03, 0x04]) }

  /// Throws: `CheckpointError.file`, `.wrongFormat`.
  init(_ file: SealedFile, from origin: Origin = .keras) throws(CheckpointError) {
    (entries, directoryStart) = try ZipArchive.directory(of: file, from: origin)
    self.file = file
  }

  private static func bytes(_ file: SealedFile, _ offset: Int, _ count: Int)
    throws(CheckpointError) -> ZipRecord
  {
    do { return ZipRecord(try file.bytes(at: offset, count: count)) } catch { throw .file(error) }
  }

  // MARK: - The central directory

  private static func directory(of file: SealedFile, from origin: Origin) throws(CheckpointError)
    -> (entries: [Entry], start: Int)
  {
    func damaged(_ path: String, _ reason: String) -> CheckpointError {
      .wrongFormat(
        path: path, found: "a zip archive (\(origin.end)?) that \(reason); \(origin.advice)")
    }
    let tailCount = min(file.count, endCount + commentLimit)
    let tail = try bytes(file, file.count - tailCount, tailCount)
    // From the back: the record whose comment ends where the file does.
    guard
      let place = stride(from: tailCount - endCount, through: 0, by: -1).first(where: {
        tail.long($0) == 0x0605_4B50 && $0 + endCount + tail.short($0 + 20) == tailCount
      })
    else { throw damaged(file.path, "has no end record; it is cut off or damaged") }
    let end = file.count - tailCount + place
    let (count, size, start) = (
      tail.short(place + 10), tail.long(place + 12), tail.long(place + 16)
    )
    guard count < entryLimit, size < 0xFFFF_FFFF, start < 0xFFFF_FFFF else {
      throw damaged(file.path, "is of the Zip64 kind, which is not read here")
    }
    guard tail.short(place + 4) == 0, tail.short(place + 6) == 0, tail.short(place + 8) == count
    else { throw damaged(file.path, "spans several disks") }
    guard start + size == end, size <= directoryLimit else {
      throw damaged(file.path, "has a damaged directory")
    }
    let record = try bytes(file, start, size)
    var entries: [Entry] = []
    var position = 0
    for _ in 0..<count {
      guard position + 46 <= size, record.long(position) == 0x0201_4B50 else {
        throw damaged(file.path, "has a damaged directory")
      }
      let nameCount = record.short(position + 28)
      let next =
        position + 46 + nameCount + record.short(position + 30) + record.short(position + 32)
      guard next <= size else { throw damaged(file.path, "has a damaged directory") }
      entries.append(
        Entry(
          name: Array(record.bytes[position + 46..<position + 46 + nameCount]),
          flags: record.short(position + 8), method: record.short(position + 10),
          crc: UInt32(record.long(position + 16)), packedCount: record.long(position + 20),
          count: record.long(position + 24), offset: record.long(position + 42)))
      position = next
    }
    guard position == size else { throw damaged(file.path, "has a damaged directory") }
    return (entries, start)
  }

  // MARK: - Members

  func has(_ name: String) -> Bool { entries.contains { $0.name == Array(name.utf8) } }

  /// For messages: those that are UTF-8.
  var names: [String] { entries.compactMap { String(validating: $0.name, as: UTF8.self) } }

  /// The one member of this name, which must be at most `limit` bytes, checked as far as directory and local header go.
  func place(of name: String, limit: Int) throws(CheckpointError) -> Place {
    let found = entries.filter { $0.name == Array(name.utf8) }
    guard let entry = found.first else {
      throw .missing(
        path: file.path, item: "\(name) in the archive",
        advice: "this is no model that Keras saved as .keras")
    }
    guard found.count == 1 else { throw refuse(name, "there once", "\(found.count) of that name") }
    guard entry.flags & 0x2041 == 0 else { throw refuse(name, "plain", "encrypted") }
    guard [0, 8].contains(entry.method) else {
      throw refuse(name, "stored or deflated", "compression method \(entry.method)")
    }
    guard entry.count < 0xFFFF_FFFF, entry.packedCount < 0xFFFF_FFFF, entry.offset < 0xFFFF_FFFF
    else { throw refuse(name, "below 4 GiB", "Zip64 sizes") }
    guard entry.count <= limit else {
      throw refuse(name, "at most \(limit) bytes", "\(entry.count)")
    }
    // DEFLATE expands at most 1032-fold, and what does not shrink grows by less than a sixtieth.
    let isPlausible =
      entry.method == 0
      ? entry.packedCount == entry.count
      : entry.count / 1032 <= entry.packedCount
        && entry.packedCount <= entry.count + entry.count / 64 + 1024
    guard isPlausible, entry.packedCount <= directoryStart else {
      throw refuse(
        name, "\(entry.count) bytes, as the directory says", "\(entry.packedCount) packed ones")
    }
    return Place(
      start: try contentOffset(entry, name), packedCount: entry.packedCount, count: entry.count,
      method: entry.method, checksum: entry.crc)
  }

  private func refuse(_ name: String, _ expected: String, _ found: String) -> CheckpointError {
    .item(path: file.path, item: "\(name) in the archive", expected: expected, found: found)
  }

  /// The member must have come out as the directory says. `state`: FN_MEMBER_...; nil: nobody said.
  func check(_ name: String, _ place: Place, state: Int?) throws(CheckpointError) {
    switch state {
    case Int(FN_MEMBER_HERE)?: return
    case Int(FN_MEMBER_DAMAGED)?:
      throw refuse(name, "\(place.count) deflated bytes", "damaged ones")
    case Int(FN_MEMBER_CHECKSUM)?:
      throw refuse(name, "as it was written", "a wrong checksum: the file is damaged")
    default:
      throw .library(path: file.path, item: name, reason: HelperFailure.answer.reason)
    }
  }

  /// Where a member's content starts: behind its local header, which must be in front of the directory.
  private func contentOffset(_ entry: Entry, _ name: String) throws(CheckpointError) -> Int {
    let headerCount = 30
    func damaged() -> CheckpointError { refuse(name, "inside the archive", "a damaged place") }
    guard entry.offset + headerCount <= directoryStart else { throw damaged() }
    let header = try ZipArchive.bytes(file, entry.offset, headerCount)
    let start = entry.offset + headerCount + header.short(26) + header.short(28)
    guard header.long(0) == 0x0403_4B50, header.short(26) == entry.name.count,
      start + entry.packedCount <= directoryStart,
      try ZipArchive.bytes(file, entry.offset + headerCount, entry.name.count).bytes == entry.name
    else { throw damaged() }
    return start
  }
}

/// Little-endian numbers in bytes.
struct ZipRecord {
  let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  func short(_ place: Int) -> Int { Int(bytes[place]) | Int(bytes[place + 1]) << 8 }
  func long(_ place: Int) -> Int { short(place) | short(place + 2) << 16 }
}
