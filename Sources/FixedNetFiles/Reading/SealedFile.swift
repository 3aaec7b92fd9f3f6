import CConfined
import CCrypto
import Foundation

/// Somebody's file, opened once and copied into memory that nobody changes any more, or, where memory is short of it, into
/// a file that nobody else can open: what becomes of the file under its name meanwhile means nothing. All reading, and its digest, is of these bytes.
final class SealedFile: Sendable {
  /// For messages.
  let path: String
  let count: Int
  /// Open for reading.
  let descriptor: Int32
  /// A helper that was started for it beforehand.
  let helper: StartedHelper?

  /// Bytes of holes that a file may have: reading them takes memory that the file does not take.
  private static let holeLimit = 256 << 20

  /// `limit`: bytes that the file may have. `program`: who will read it.
  convenience init(path: String, limit: Int, for program: HelperProgram) throws(FileError) {
    try self.init(OpenFile(path: path, limit: limit), for: program)
  }

  /// A file that is open.
  init(_ file: borrowing OpenFile, for program: HelperProgram) throws(FileError) {
    count = file.count
    path = file.path
    try SealedFile.checkHoles(file.descriptor, path: file.path, count: file.count)
    if let scratch = try ScratchFile.ifNeeded(file.count, for: file.path) {
      try scratch.copy(file)
      (descriptor, helper) = (try scratch.reopened(), nil)
      return
    }
    (descriptor, helper) = try SealedFile.memory(for: program, path: file.path)
    var failure: FileError?
    try fill { memory in
      do throws(FileError) { try file.read(into: memory, at: 0) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// What was written to a file of its own.
  init(_ scratch: ScratchFile, count: Int, path: String) throws(FileError) {
    (self.count, self.path, helper) = (count, path, nil)
    // A helper takes all of a file for what is to be read.
    guard ftruncate(scratch.descriptor, off_t(count)) == 0 else {
      throw FileError(path: path, action: "read", code: errno)
    }
    descriptor = try scratch.reopened()
  }

  /// Bytes that are in memory. `path`: for messages.
  init(_ bytes: [UInt8], path: String, for program: HelperProgram) throws(FileError) {
    count = bytes.count
    (descriptor, helper) = try SealedFile.memory(for: program, path: path)
    self.path = path
    try fill { memory in bytes.withUnsafeBytes { memory.copyMemory(from: $0) } }
  }

  deinit { close(descriptor) }

  /// The memory of a helper that has been started, or new.
  private static func memory(for program: HelperProgram, path: String) throws(FileError)
    -> (Int32, StartedHelper?)
  {
    if let started = StartedHelper.take(program) { return (started.takeInput(), started) }
    let memory = fn_memory_file()
    guard memory >= 0 else { throw FileError(path: path, action: "read", code: errno) }
    return (memory, nil)
  }

  /// `body` writes all bytes; then they are sealed.
  private func fill(_ body: (UnsafeMutableRawBufferPointer) -> Void) throws(FileError) {
    guard count > 0 else { return try seal() }
    _ = AtomicFile.ignoreSizeSignal
    guard ftruncate(descriptor, off_t(count)) == 0,
      let place = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      place != MAP_FAILED
    else { throw FileError(path: path, action: "read", code: errno) }
    body(UnsafeMutableRawBufferPointer(start: place, count: count))
    // A seal is refused while somebody could still write.
    munmap(place, count)
    try seal()
  }

  private func seal() throws(FileError) {
    guard fn_seal_contents(descriptor) == 0 else {
      throw FileError(path: path, action: "read", code: errno)
    }
  }

  private static func checkHoles(_ file: Int32, path: String, count: Int) throws(FileError) {
    guard count > holeLimit else { return }
    #if os(Linux)
      let (data, hole): (Int32, Int32) = (3, 4)
      var (place, filled) = (0, 0)
      while place < count {
        let start = lseek(file, off_t(place), data)
        // ENXIO: nothing but a hole follows. Others: the file system does not tell.
        if start < 0 {
          if errno == ENXIO {
            break
          } else {
            filled = count
            break
          }
        }
        let end = lseek(file, start, hole)
        guard end > start else { break }
        filled += Int(end - start)
        place = Int(end)
      }
      guard count - filled <= holeLimit else {
        throw FileError(
          path: path, action: "read",
          reason:
            "\(count - filled) of its \(count) bytes are holes, which hold nothing; is it cut off?")
      }
    #endif
  }

  // MARK: - Reading here

  /// `count` bytes from `offset` on, or as many as there are.
  func bytes(at offset: Int, count: Int) throws(FileError) -> [UInt8] {
    let length = max(0, min(count, self.count - offset))
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, filled in
      while filled < length {
        let read = pread(
          descriptor, buffer.baseAddress! + filled, length - filled, off_t(offset + filled))
        if read < 0, errno == EINTR { continue }
        guard read > 0 else {
          code = read < 0 ? errno : EIO
          return
        }
        filled += read
      }
    }
    guard code == 0 else { throw FileError(path: path, action: "read", code: code) }
    return bytes
  }

  /// SHA-256 of all bytes.
  func digest() throws(FileError) -> String {
    var digest = RunningDigest(EVP_sha256())
    var place = 0
    while place < count {
      let part = try bytes(at: place, count: 1 << 20)
      part.withUnsafeBytes { digest.add($0) }
      place += part.count
    }
    return digest.finish()
  }
}
