import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Fetches MNIST and Fashion-MNIST from their mirrors and keeps them in a folder. What is kept has been checked, and is
/// unpacked: 55 MB instead of MNIST's 11 or Fashion-MNIST's 30, so that runs start without the time that unpacking takes.
/// A folder that has the packed files keeps them.
public struct Downloader: Sendable {
  /// Addresses of folders that have the four `.gz` files, tried in order; nil: the usual ones.
  public var mirrors: [String]?
  /// Seconds that a server may be silent.
  public var idleTimeout: Double
  /// Seconds that one file may take.
  public var fileTimeout: Double

  /// Bytes that one packed file may have; the largest has 26 MB.
  static let limit = 64 << 20

  /// `idleTimeout`: without a byte. `fileTimeout`: for a whole file. Units: seconds. `mirrors`: nil for the usual ones.
  public init(mirrors: [String]? = nil, idleTimeout: Double = 30, fileTimeout: Double = 900) {
    self.mirrors = mirrors
    self.idleTimeout = idleTimeout
    self.fileTimeout = fileTimeout
  }

  /// Where a data set is usually found, the first to try first.
  public static func usualMirrors(_ name: MNISTName) -> [String] {
    switch name {
    case .mnist:
      [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
      ]
    case .fashionMNIST: ["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"]
    }
  }

  /// Fetches the files that `folder` does not have yet. Each one is verified, then stored in one step.
  /// `report`: called with a line per file.
  /// Throws: `DataError.download` with every mirror's reason, or `.file` where the folder cannot be written.
  public func fetch(
    _ name: MNISTName, into folder: String, report: (String) -> Void = { _ in }
  ) throws(DataError) {
    try Downloader.createFolder(folder)
    for file in MNISTFile.allCases where !Downloader.isPresent(file, of: name, in: folder) {
      let path = "\(folder)/\(file.rawValue)"
      guard access(path, F_OK) != 0 else {
        throw .malformed(
          path: path, expected: "\(name.rawValue)'s, or not there",
          found: "another file, which is not replaced")
      }
      try fetch(file, of: name, into: folder, report: report)
    }
  }

  private func fetch(
    _ file: MNISTFile, of name: MNISTName, into folder: String, report: (String) -> Void
  ) throws(DataError) {
    var reasons: [String] = []
    for mirror in mirrors ?? Downloader.usualMirrors(name) {
      let address = mirror + (mirror.hasSuffix("/") ? "" : "/") + file.rawValue + ".gz"
      report("fetching \(address)")
      let idx: IDXFile
      do {
        idx = try IDXFile(
          ByteReader(fetch(address)), rank: file.shape.count, path: address, shape: file.shape)
        try MNISTFiles.check(idx, is: file, of: name, path: address)
      } catch {
        reasons.append(error.reason(address))
        continue
      }
      do {
        try AtomicFile.write(idx.contents, to: "\(folder)/\(file.rawValue)")
      } catch { throw .file(error) }
      return
    }
    throw .download(file: "\(name.rawValue)/\(file.rawValue).gz", reasons: reasons)
  }

  /// The body of a successful answer.
  private func fetch(_ address: String) throws(DataError) -> [UInt8] {
    guard let url = URL(string: address), ["http", "https"].contains(url.scheme) else {
      throw .malformed(path: address, expected: "an http or https address", found: "another")
    }
    let transfer = Transfer(limit: Downloader.limit)
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = idleTimeout
    configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
    let session = URLSession(configuration: configuration, delegate: transfer, delegateQueue: nil)
    defer { session.invalidateAndCancel() }
    session.dataTask(with: url).resume()
    switch transfer.wait(idle: idleTimeout, total: fileTimeout) {
    case .success(let bytes): return bytes
    case .failure(let reason):
      throw .file(FileError(path: address, action: "fetch", reason: reason.text))
    }
  }

  /// Whether the folder has the file, whole and right.
  private static func isPresent(_ file: MNISTFile, of name: MNISTName, in folder: String) -> Bool {
    file.spellings.contains { spelling in
      let path = "\(folder)/\(spelling)"
      guard let idx = try? IDXFile.read(path, shape: file.shape, digestOn: nil) else {
        return false
      }
      return (try? MNISTFiles.check(idx, is: file, of: name, path: path)) != nil
    }
  }

  /// Creates a folder and those above it.
  private static func createFolder(_ folder: String) throws(DataError) {
    var path = folder.hasPrefix("/") ? "" : "."
    for component in folder.split(separator: "/") {
      path += "/\(component)"
      guard mkdir(path, 0o777) == 0 || errno == EEXIST || errno == EISDIR || errno == EROFS else {
        throw .file(FileError(path: folder, action: "create the folder", code: errno))
      }
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
      throw .file(
        FileError(path: folder, action: "create the folder", reason: "something else has its name"))
    }
  }
}

extension DataError {
  /// One mirror's part of a longer message.
  fileprivate func reason(_ address: String) -> String {
    switch self {
    case .malformed(_, let expected, let found): "\(address) is not \(expected) but \(found)"
    case .digest(_, let expected, let found):
      "\(address) has other contents (SHA-256 \(found), not \(expected))"
    case .file(let error): "\(address): \(error.reason)"
    default: "\(address): \(self)"
    }
  }
}

/// One answer of a server, bounded in size and time.
private final class Transfer: NSObject, URLSessionDataDelegate, @unchecked Sendable {
  struct Reason: Error { var text: String }

  private let limit: Int
  private let lock = NSLock()
  private let finished = DispatchSemaphore(value: 0)
  private var bytes: [UInt8] = []
  private var lastActivity = DispatchTime.now()
  private var result: Result<[UInt8], Reason>?

  init(limit: Int) { self.limit = limit }

  /// The bytes or the reason, after at most `total` seconds and `idle` seconds of silence. URLSession's own limits
  /// are not relied on: a cancelled task does not always report its end.
  func wait(idle: Double, total: Double) -> Result<[UInt8], Reason> {
    let end = DispatchTime.now() + total
    while true {
      let silent = lock.withLock { lastActivity } + idle
      if finished.wait(timeout: min(silent, end)) == .success { break }
      if DispatchTime.now() >= end { finish("not complete within \(Int(total)) s") }
      if DispatchTime.now() >= lock.withLock({ lastActivity }) + idle {
        finish("no answer in time")
      }
    }
    return lock.withLock { result } ?? .failure(Reason(text: "no result"))
  }

  /// The first call counts. Nil: all bytes are there.
  private func finish(_ reason: String?) {
    lock.withLock {
      guard result == nil else { return }
      result = reason.map { .failure(Reason(text: $0)) } ?? .success(bytes)
      bytes = []
      finished.signal()
    }
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    lock.withLock { lastActivity = .now() }
    if let status = (response as? HTTPURLResponse)?.statusCode, status != 200 {
      finish("the server answered \(status)")
      completionHandler(.cancel)
    } else if response.expectedContentLength > Int64(limit) {
      finish("\(response.expectedContentLength) bytes; at most \(limit) are taken")
      completionHandler(.cancel)
    } else {
      completionHandler(.allow)
    }
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    let isTooLong = lock.withLock {
      lastActivity = .now()
      guard result == nil, bytes.count + data.count <= limit else { return true }
      bytes.append(contentsOf: data)
      return false
    }
    if isTooLong { finish("more than \(limit) bytes") }
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: Error?) {
    finish(error.map(Transfer.text))
  }

  private static func text(_ error: any Error) -> String {
    guard let code = (error as? URLError)?.code else { return error.localizedDescription }
    return switch code {
    case .timedOut: "no answer in time"
    case .cannotFindHost, .dnsLookupFailed: "the server's name is unknown (no network?)"
    case .cannotConnectToHost: "no connection to the server"
    case .notConnectedToInternet: "no network"
    case .networkConnectionLost: "the connection broke"
    default: error.localizedDescription
    }
  }
}
