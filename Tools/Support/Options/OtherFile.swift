import ArgumentParser
import Foundation

/// Files that people have data in and that are not read.
enum OtherFile {
  private static let kinds: [(ends: [String], what: String)] = [
    (["dat", "arff", "json", "jsonl"], "a file of text"),
    (["bmp", "gif", "tif", "tiff", "webp", "pgm", "ppm"], "a picture"),
    (["xls", "xlsx", "ods"], "a spreadsheet"),
    (["pt", "pth", "pkl", "pickle", "joblib"], "a file that only Python can unpack"),
    (["parquet", "feather", "arrow", "tfrecord"], "a table of another library"),
    (["idx", "gz", "zip", "tar", "tgz", "bz2", "xz", "7z"], "a packed file"),
    (["keras"], "a model"), (["nc", "hdf", "he5"], "HDF5 or NetCDF under another name"),
  ]

  /// What is said of `name`, which is no data set and no data file.
  static func refusal(of name: String) -> any Error {
    let accepted =
      "digits, mnist, fashion-mnist, a table (.csv, .tsv, .txt), a folder of pictures by class, a MATLAB .mat, an HDF5 "
      + ".h5 or a NumPy .npz file"
    let end = name.split(separator: ".").last.map { $0.lowercased() } ?? ""
    let kind = name.contains(".") ? kinds.first { $0.ends.contains(end) }?.what : nil
    guard let kind = kind ?? (FileManager.default.fileExists(atPath: name) ? "neither" : nil) else {
      return ValidationError("--data must be \(accepted), found '\(name)'")
    }
    guard FileManager.default.fileExists(atPath: name) else {
      return ToolError("--data: there is no file '\(name)'; it takes \(accepted)")
    }
    return ToolError(
      "--data takes \(accepted), but '\(name)' is \(kind); in Python: f = h5py.File('FILE.h5', 'w'); "
        + "f['x'] = NUMBERS [samples, ...]; f['y'] = LABELS [samples]; f.close()")
  }
}
