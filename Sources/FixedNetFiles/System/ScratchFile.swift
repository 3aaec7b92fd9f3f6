import CConfined
import FixedNetCompute
import Foundation

/// A file without a name on a disk, for what is larger than the memory that is free: the system writes its pages there and
/// reads them again where they are needed. All of its bytes are on the disk from the start, so that a full one is an error
/// and not the end of the process. Nobody else can open it, so that nobody changes what it holds.
final class ScratchFile: Sendable {
  /// Where it is.
  let folder: String
  /// Open for reading and writing.
  let descriptor: Int32

  /// `count`: bytes that it certainly takes. `path`: the file whose contents they are, for messages.
  convenience init(count: Int, for path: String) throws(FileError) {
    var reasons: [String] = []
    for folder in ScratchFile.folders(near: path) {
      do throws(FileError) {
        try self.init(count: count, in: folder)
        return
      } catch { reasons.append("\(folder): \(error.reason)") }
    }
    throw FileError(
      path: path, action: "read",
      reason:
        "it takes \(Format.gigabytes(count)), more than the memory that is free, and no folder "
        + "on a disk can hold so much (\(reasons.joined(separator: "; "))); TMPDIR says another one"
    )
  }

  private init(count: Int, in folder: String) throws(FileError) {
    func failure(_ code: Int32) -> FileError {
      FileError(path: folder, action: "write", code: code)
    }
    if let reason = ScratchFile.unfit(folder, for: count) {
      throw FileError(path: folder, action: "write", reason: reason)
    }
    _ = AtomicFile.ignoreSizeSignal
    var name = Array("\(folder)/fixednet-XXXXXX".utf8CString)
    // No signal comes between the file and the end of its name.
    let (file, reason) = UnfinishedFiles.withoutSignals {
      let file = mkstemp(&name)
      let code = errno
      if file >= 0 { unlink(name) }
      return (file, code)
    }
    guard file >= 0 else { throw failure(reason) }
    _ = fcntl(file, F_SETFD, FD_CLOEXEC)
    #if os(Linux)
      let code = posix_fallocate(file, 0, off_t(count))
    #else
      let code = ftruncate(file, off_t(count)) == 0 ? 0 : errno
    #endif
    guard code == 0 else {
      close(file)
      throw failure(code)
    }
    (self.folder, descriptor) = (folder, file)
  }

  deinit { close(descriptor) }

  /// One where memory is short of so many bytes; nil where it is not, or where it holds them and no disk does.
  /// `certain`: those that it certainly takes. `path`: as above.
  static func ifNeeded(_ count: Int, certain: Int? = nil, for path: String) throws(FileError)
    -> ScratchFile?
  {
    guard count > 0, FreeMemory.isShort(of: count) else { return nil }
    do throws(FileError) {
      return try ScratchFile(count: min(count, certain ?? count), for: path)
    } catch {
      guard FreeMemory.canHold(count) else { throw error }
      return nil
    }
  }

  /// The same file, for reading alone.
  func reopened() throws(FileError) -> Int32 {
    #if os(Linux)
      let file = open("/proc/self/fd/\(descriptor)", O_RDONLY | O_CLOEXEC)
      if file >= 0 { return file }
    #endif
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw FileError(path: folder, action: "read", code: errno) }
    return copy
  }

  /// Fills it with another one's bytes.
  func copy(_ file: borrowing OpenFile) throws(FileError) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 22, alignment: 64)
    defer { buffer.deallocate() }
    var place = 0
    while place < file.count {
      let part = UnsafeMutableRawBufferPointer(
        rebasing: buffer[..<min(1 << 22, file.count - place)])
      try file.read(into: part, at: place)
      try write(UnsafeRawBufferPointer(part), at: place)
      place += part.count
    }
  }

  func append(_ bytes: [UInt8], at place: Int) throws(FileError) {
    var failure: FileError?
    bytes.withUnsafeBytes { bytes in
      do throws(FileError) { try write(bytes, at: place) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// Throws: `FileError` where the disk is full.
  func write(_ bytes: UnsafeRawBufferPointer, at place: Int) throws(FileError) {
    var done = 0
    while done < bytes.count {
      let count = pwrite(
        descriptor, bytes.baseAddress! + done, bytes.count - done, off_t(place + done))
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw FileError(path: folder, action: "write", code: errno) }
      done += count
    }
  }

  /// What is said of it: "kept in a file of 1.2 GB in /var/tmp".
  static func note(_ count: Int, in folder: String) -> String {
    "kept in a file of \(Format.gigabytes(count)) in \(folder): more than a quarter of the memory that "
      + "is free"
  }

  /// Where temporary files belong, and then beside the data.
  private static func folders(near path: String) -> [String] {
    let said = getenv("TMPDIR").map { String(cString: $0) } ?? ""
    return (said.isEmpty ? [] : [said]) + ["/var/tmp", "/tmp", FilePath.folder(of: path)]
  }

  /// Why a folder can hold no file of `count` bytes; nil where it seems to.
  private static func unfit(_ folder: String, for count: Int) -> String? {
    var space = statvfs()
    guard statvfs(folder, &space) == 0 else { return String(cString: strerror(errno)) }
    guard fn_folder_is_memory(folder) == 0 else { return "a file system in memory" }
    var limit = rlimit()
    #if os(Linux)
      let kind = __rlimit_resource_t(RLIMIT_FSIZE.rawValue)
    #else
      let kind = RLIMIT_FSIZE
    #endif
    if getrlimit(kind, &limit) == 0, limit.rlim_cur < count {
      return "files of this session may have \(Format.gigabytes(Int(limit.rlim_cur))) (ulimit -f)"
    }
    // Some file systems say that they have no end.
    let product = Int(clamping: space.f_bavail).multipliedReportingOverflow(
      by: Int(clamping: space.f_frsize))
    let free = product.overflow ? .max : product.partialValue
    return free > count ? nil : "\(Format.gigabytes(free)) are free"
  }
}

/// Memory with such a file behind it.
final class ScratchMemory: @unchecked Sendable {
  private let file: ScratchFile
  let bytes: UnsafeMutableRawBufferPointer

  var folder: String { file.folder }

  /// `path`: whose contents it is for, for messages.
  convenience init(count: Int, for path: String) throws(FileError) {
    try self.init(ScratchFile(count: count, for: path), count: count, for: path)
  }

  private init(_ file: ScratchFile, count: Int, for path: String) throws(FileError) {
    self.file = file
    guard
      let place = mmap(nil, count, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0),
      place != MAP_FAILED
    else { throw FileError(path: path, action: "read", code: errno) }
    bytes = UnsafeMutableRawBufferPointer(start: place, count: count)
  }

  deinit { munmap(bytes.baseAddress, bytes.count) }

  /// As `ScratchFile.ifNeeded`.
  static func ifNeeded(_ count: Int, for path: String) throws(FileError) -> ScratchMemory? {
    guard let file = try ScratchFile.ifNeeded(count, for: path) else { return nil }
    return try ScratchMemory(file, count: count, for: path)
  }

  /// All values are there: they are read from now on.
  /// Shapes: [imageCount][width], bytes or floats.
  func pixels(isBytes: Bool, imageCount: Int, width: Int) -> ImageSet.Pixels {
    guard let start = bytes.baseAddress else { return .bytes([]) }
    mprotect(start, bytes.count, PROT_READ)
    return .mapped(
      MappedPixels(
        owner: self, start: UnsafeRawPointer(start), isBytes: isBytes, imageCount: imageCount,
        width: width, folder: folder))
  }
}
