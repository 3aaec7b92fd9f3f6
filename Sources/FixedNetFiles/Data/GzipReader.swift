import CUnpack

/// A gzip file of one member that holds an IDX file, unpacked by a helper, piece by piece: the pieces are copied while it goes
/// on, so that all unpacked bytes are in memory once.
package struct GzipReader: ~Copyable {
  package enum Failure: Error, Equatable {
    /// The packed data end too early.
    case cutOff
    case damaged(String)
    /// Bytes behind the end of the packed data.
    case trailingBytes(Int)
    /// More than `limit` bytes.
    case tooLong(limit: Int)
    /// The start of something that is no IDX file.
    case other
    case file(FileError)
  }

  /// What the helper says at its end.
  private struct Report {
    var fault: Int
    var count: Int
    var trailing: Int
    var reason: String
  }

  private let path: String
  private let run: HelperRun
  private var position = 0
  private var report: Report?

  static func isGzip(_ bytes: [UInt8]) -> Bool { bytes.starts(with: [0x1F, 0x8B]) }

  /// `limit`: bytes that it may unpack to.
  init(_ file: SealedFile, limit: Int) throws(Failure) {
    path = file.path
    // DEFLATE expands at most 1032-fold.
    let most = min(limit, file.count * 1032 + 64)
    let seconds = 1 + most >> 25
    var request = HelperRequest(kind: Int(FN_UNPACK_GZIP), memory: 16 << 20, seconds: seconds)
    request.number(limit)
    do {
      run = try HelperRun(
        .unpacker, file, request, room: Int(FN_UNPACKED) + most + 1, seconds: seconds)
    } catch { throw GzipReader.error(error, path: file.path) }
  }

  /// A failure before anything was read.
  static func fileError(_ failure: Failure, path: String) -> FileError {
    if case .file(let error) = failure { return error }
    return FileError(path: path, action: "read", reason: "\(failure)")
  }

  private static func error(_ failure: HelperFailure, path: String) -> Failure {
    failure.isSystems
      ? .file(FileError(path: path, action: "read", reason: failure.reason))
      : .damaged(failure.reason)
  }

  /// The next bytes, until `bytes` are full or the member ends. Returns the number of bytes.
  package mutating func read(into bytes: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    try wait(for: position + bytes.count)
    let end = report?.count ?? run.progress
    let length = max(0, min(bytes.count, end - position))
    run.copy(
      from: Int(FN_UNPACKED) + position,
      into: UnsafeMutableRawBufferPointer(rebasing: bytes[..<length]))
    position += length
    run.forget(upTo: Int(FN_UNPACKED) + position)
    if length < bytes.count { try check() }
    return length
  }

  /// What is left must be the trailer, right and at the end.
  /// `limit`: the bytes that there were to be in all.
  package mutating func finish(limit: Int) throws(Failure) {
    try wait(for: .max)
    try check()
    guard let report, report.count == position, report.fault != Int(FN_UNPACK_TOO_LONG) else {
      throw .tooLong(limit: limit)
    }
    guard report.fault != Int(FN_UNPACK_OTHER) else { throw .other }
    guard report.trailing == 0 else { throw .trailingBytes(report.trailing) }
  }

  private func check() throws(Failure) {
    switch report?.fault {
    case Int(FN_UNPACK_CUT)?: throw .cutOff
    case Int(FN_UNPACK_DAMAGED)?: throw .damaged(report?.reason ?? "")
    default: return
    }
  }

  /// Until there are `count` bytes, or the helper has ended.
  private mutating func wait(for count: Int) throws(Failure) {
    guard report == nil else { return }
    do throws(HelperFailure) {
      while run.progress < count {
        guard try run.hasEnded(within: 1) else { continue }
        report = try GzipReader.report(try run.answer())
        return
      }
    } catch { throw GzipReader.error(error, path: path) }
  }

  private static func report(_ output: HelperOutput) throws(HelperFailure) -> Report {
    var records = AnswerRecords(output)
    guard var record = try records.next(), record.tag == Int(FN_RECORD_UNPACKED) else {
      throw .answer
    }
    let report = Report(
      fault: try record.count(), count: try record.count(), trailing: try record.count(),
      reason: String(decoding: try record.text(), as: UTF8.self))
    guard report.count <= output.size - Int(FN_UNPACKED) else { throw .answer }
    return report
  }
}
