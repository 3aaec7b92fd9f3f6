import Foundation

/// Model files of other programs, told by how they start: what they are, and what to do.
enum ForeignModel {
  /// Bytes from the start that `description` looks at.
  static let startCount = 64

  /// What a file is that is neither HDF5 nor a zip archive; nil where nobody knows it.
  static func description(start: [UInt8], path: String) -> String? {
    func starts(_ text: String, at offset: Int = 0) -> Bool {
      start.dropFirst(offset).starts(with: text.utf8)
    }
    func name(_ end: String) -> Bool { path.lowercased().hasSuffix(end) }
    guard start.count > 8 else { return nil }
    let convert = "build the model in Keras with its weights, and save that"
    if starts("TFL3", at: 4) {
      return "TensorFlow Lite's format, without layers; give the Keras model that it was made from"
    }
    if start[0] == 0x80, (2...5).contains(start[1]) {
      return "a Python pickle (PyTorch's or scikit-learn's?), never opened here; \(convert)"
    }
    if starts("NUMPY", at: 1), start[0] == 0x93 {
      return "a NumPy array (.npy), not a model; save the model as .h5 or .keras"
    }
    if name(".onnx") || start[0] == 0x08 && start[1] < 32 && start[2] == 0x12 {
      return "ONNX's format, which is not read here; give the Keras model that it was made from"
    }
    if name("saved_model.pb") || name(".pb") {
      return "TensorFlow's own format (SavedModel or a graph); \(savedModelAdvice)"
    }
    if starts("{\"", at: 8), start[7] == 0 {
      return "safetensors: weights without layers; \(convert)"
    }
    if starts("GGUF") { return "GGUF, a format for language models, which are not read here" }
    if starts("MATLAB 5.0") { return "a MATLAB file; as data, give it with --data" }
    if starts("version https://git-lfs") {
      return "a pointer of Git LFS instead of the file; fetch the file with git lfs pull"
    }
    if start[0] == 0x1F, start[1] == 0x8B { return "compressed with gzip; unpack it first" }
    let text = String(decoding: start, as: UTF8.self).drop(while: \.isWhitespace)
    if text.lowercased().hasPrefix("<!doctype") || text.lowercased().hasPrefix("<html") {
      return "a web page; the download gave that instead of the file"
    }
    if text.hasPrefix("{") {
      return "JSON; an architecture goes with --model NAME.json, beside the file of its weights"
    }
    if text.hasPrefix("model_checkpoint_path") || name(".index") || path.contains(".data-0000") {
      return "a TensorFlow checkpoint, which holds no layers; \(savedModelAdvice)"
    }
    return nil
  }

  private static let savedModelAdvice =
    "load it in TensorFlow with tf_keras.models.load_model and save it there as .h5"

  /// What a folder is; nil where it is no model.
  static func description(ofFolder path: String) -> String? {
    func has(_ name: String) -> Bool {
      FileManager.default.fileExists(atPath: "\(path)/\(name)")
    }
    if has("saved_model.pb") {
      return "a folder with TensorFlow's SavedModel; \(savedModelAdvice)"
    }
    if has("config.json"), has("model.weights.h5") {
      return
        "the unpacked contents of a .keras file; pack them again (zip), or give its "
        + "model.weights.h5 with --model and the architecture"
    }
    return nil
  }

  /// What a zip archive is that is no `.keras`, by the names in it; nil where nobody knows it.
  static func description(ofArchive names: [String]) -> String? {
    if names.contains(where: { $0.hasSuffix("/data.pkl") || $0 == "data.pkl" }) {
      return
        "PyTorch's format, which is not read here; build the model in Keras with its weights and "
        + "save that"
    }
    if !names.isEmpty, names.allSatisfy({ $0.hasSuffix(".npy") }) {
      return "NumPy's .npz, not a model; save the model as .h5 or .keras"
    }
    if names.contains(where: { $0.hasSuffix("saved_model.pb") }) {
      return "a packed SavedModel of TensorFlow; unpack it, \(savedModelAdvice)"
    }
    return nil
  }
}
