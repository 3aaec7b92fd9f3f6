import CReader
import Dispatch
import FixedNetCompute
import Foundation
import Synchronization

/// Pictures of one size.
struct Pictures {
  /// Height, width, channels.
  var shape: Shape
  /// [count][height][width][channels].
  var pixels: ImageSet.Pixels
  /// SHA-256 of each file.
  var digests: [String] = []
  var counts = PictureCounts()
}

/// To how many pictures something was done.
struct PictureCounts: Equatable {
  var resized = 0
  var transparent = 0
  var deep = 0
  var turned = 0
  /// Colours made grey; grey made red, green and blue.
  var greyed = 0
  var coloured = 0

  static func + (a: PictureCounts, b: PictureCounts) -> PictureCounts {
    PictureCounts(
      resized: a.resized + b.resized, transparent: a.transparent + b.transparent,
      deep: a.deep + b.deep, turned: a.turned + b.turned, greyed: a.greyed + b.greyed,
      coloured: a.coloured + b.coloured)
  }
}

/// Reads pictures: helpers decode and resize them, many each, on all cores; see `FN_READ_PICTURES`.
struct PictureReader {
  let paths: [String]
  /// What they all become.
  let target: Shape
  /// The picture that is so, where the others must be already because nobody said to what size they are to be brought.
  let like: String?

  /// Bytes of a file, of the files that one helper gets, of what it gives, and of all pictures.
  private static let fileLimit = 256 << 20
  private static let batchBytes = 16 << 20
  private static let batchResult = 64 << 20
  private static let limit = 4 << 30
  /// Pictures that one thread reads.
  private static let stretch = 256

  /// `shape`: what pictures become; nil: what the first one is. `like`: as in `self.like`.
  /// Throws: `DataFileError` for the first picture that cannot be read.
  static func read(_ paths: [String], as shape: Shape?, like: String?)
    throws(DataFileError) -> Pictures
  {
    #if Images
      var target = shape
      if target == nil {
        let first = try PictureBatch(paths: [paths[0]], limit: fileLimit)
        let head = try first.ask(for: nil, isExact: false)[0]
        target = .image(height: head.height, width: head.width, channels: head.channels)
      }
      return try PictureReader(paths: paths, target: target ?? .vector(0), like: like).read()
    #else
      throw .wrongFormat(
        path: paths[0], found: "this program was built without pictures (trait Images)")
    #endif
  }

  private var size: Int { target.elementCount }

  private func read() throws(DataFileError) -> Pictures {
    let (total, isOver) = size.multipliedReportingOverflow(by: paths.count)
    guard !isOver, total <= PictureReader.limit else {
      throw .option(
        path: FilePath.folder(of: paths[0]), option: "--image \(target)",
        reason: "\(Format.grouped(paths.count)) pictures of this size take more than 4 GiB")
    }
    let stretches = stride(from: 0, to: paths.count, by: PictureReader.stretch).map {
      $0..<min(paths.count, $0 + PictureReader.stretch)
    }
    let results = Mutex<[Int: Result<Stretch, DataFileError>]>([:])
    func fill(_ start: UnsafeMutablePointer<UInt8>?) {
      let place = Place(start: start)
      DispatchQueue.concurrentPerform(iterations: stretches.count) { index in
        let result = Result { () throws(DataFileError) in
          try read(stretches[index], to: place)
        }
        results.withLock { $0[index] = result }
      }
    }
    let memory: ScratchMemory?
    do { memory = try ScratchMemory.ifNeeded(total, for: FilePath.folder(of: paths[0])) } catch {
      throw .file(error)
    }
    var pictures: Pictures
    if let memory {
      fill(memory.bytes.bindMemory(to: UInt8.self).baseAddress)
      let pixels = memory.pixels(isBytes: true, imageCount: paths.count, width: size)
      pictures = Pictures(shape: target, pixels: pixels)
    } else {
      let bytes = [UInt8](unsafeUninitializedCapacity: total) { buffer, filled in
        fill(buffer.baseAddress)
        filled = total
      }
      pictures = Pictures(shape: target, pixels: .bytes(bytes))
    }
    // The first that fails is the same in every run.
    for index in stretches.indices {
      guard let stretch = try results.withLock({ $0[index] })?.get() else { continue }
      pictures.digests += stretch.digests
      pictures.counts = pictures.counts + stretch.counts
    }
    return pictures
  }

  private struct Stretch {
    var digests: [String] = []
    var counts = PictureCounts()
  }

  /// Where threads write; each to a part of its own.
  private struct Place: @unchecked Sendable {
    let start: UnsafeMutablePointer<UInt8>?
  }

  private func read(_ range: Range<Int>, to place: Place) throws(DataFileError) -> Stretch {
    var stretch = Stretch()
    var next = range.lowerBound
    while next < range.upperBound {
      var batch = PictureBatch()
      while next + batch.count < range.upperBound, batch.bytes.count < PictureReader.batchBytes,
        batch.count == 0 || batch.count * size < PictureReader.batchResult
      {
        try batch.append(paths[next + batch.count], limit: PictureReader.fileLimit)
      }
      stretch.digests += batch.digests
      for (index, picture) in try batch.read(as: target, like: like).enumerated() {
        stretch.counts = stretch.counts + picture.counts(as: target)
        guard let start = place.start else { continue }
        picture.bytes.withUnsafeBufferPointer { bytes in
          guard let base = bytes.baseAddress else { return }
          (start + (next + index) * size).update(from: base, count: size)
        }
      }
      next += batch.count
    }
    return stretch
  }
}
