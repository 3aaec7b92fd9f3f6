import FixedNet
import FixedNetCore

/// A network of MLPerf Tiny, what the study trains it on, and how.
struct Architecture {
  /// What a network learns. None is the benchmark's own data: those are not at hand without a network.
  enum Task: String {
    case words = "12 words"
    case garments = "10 garments"
    case scenes = "a digit or none"
    case sounds = "broken machines"
    case wakeWord = "a wake word"
  }

  var builtIn: BuiltInModel
  var task: Task
  /// Samples of a full run, and of a quick one.
  var trainCount: Int
  var testCount: Int
  /// Of a mini-batch, as the benchmark's training has it.
  var batch: Int
  var epochs: Int
  /// Of Adam; the benchmark's first one, which a cosine brings to 0.
  var learningRate: Double
  /// Accuracy or AUC that a full run has to reach; nil where none has been measured yet.
  var least: Double?

  static let quick = (trainCount: 64, testCount: 48, batch: 32, epochs: 2)

  /// In the order of the tables. Epochs are at most `TrainingExperiment.stage`.
  static let all = [
    Architecture(
      builtIn: .dsCNN, task: .words, trainCount: 12_000, testCount: 2_400, batch: 100, epochs: 8,
      learningRate: 5e-4, least: 0.9),
    Architecture(
      builtIn: .resNet8, task: .garments, trainCount: 6_400, testCount: 2_000, batch: 32,
      epochs: 8, learningRate: 1e-3, least: 0.6),
    Architecture(
      builtIn: .resNet8Large, task: .garments, trainCount: 6_400, testCount: 2_000, batch: 32,
      epochs: 8, learningRate: 1e-3),
    Architecture(
      builtIn: .mobileNet025, task: .scenes, trainCount: 12_800, testCount: 1_000, batch: 32,
      epochs: 10, learningRate: 1e-3),
    Architecture(
      builtIn: .autoencoder, task: .sounds, trainCount: 20_480, testCount: 1_000, batch: 512,
      epochs: 10, learningRate: 1e-3),
    Architecture(
      builtIn: .streamingWakeword, task: .wakeWord, trainCount: 9_000, testCount: 1_800,
      batch: 100, epochs: 8, learningRate: 1e-3),
  ]

  /// Those of a full run, or of a quick one.
  static func all(isQuick: Bool) -> [Architecture] {
    guard isQuick else { return all }
    return all.map { architecture in
      var architecture = architecture
      (architecture.trainCount, architecture.testCount) = (quick.trainCount, quick.testCount)
      (architecture.batch, architecture.epochs) = (quick.batch, quick.epochs)
      return architecture
    }
  }

  var name: String { builtIn.rawValue }
  var model: Model { builtIn.model() }
  /// Of the whole training.
  var stepCount: Int { epochs * ((trainCount + batch - 1) / batch) }
  /// Whether the outputs are to be the inputs: it is judged by how well their error tells normal from broken.
  var isAutoencoder: Bool { builtIn == .autoencoder }
  /// What the study says of how well it does: "accuracy" or "AUC".
  var figure: String { isAutoencoder ? "AUC" : "accuracy" }
  var optimizer: OptimizerConfiguration {
    OptimizerConfiguration(
      optimizer: .adam(), schedule: .cosine(initial: learningRate, steps: stepCount))
  }

  /// A training plan's options, or an inference plan's, for one thread: bytes do not depend on the machine then.
  func options(batch: Int, isTraining: Bool, threads: Int = 1) -> PlanOptions {
    PlanOptions(
      batch: batch, isTraining: isTraining, threads: threads, loss: builtIn.loss,
      optimizer: optimizer.optimizer)
  }

  /// The run from one seed. An autoencoder's errors on normal and on broken samples are looked at.
  func experiment(_ samples: ArchitectureSamples, seed: UInt64) -> TrainingExperiment {
    var experiment = TrainingExperiment(
      name: "\(name), seed \(seed)", model: model, optimizer: optimizer, batch: batch,
      epochs: epochs, seed: seed)
    experiment.loss = builtIn.loss
    if let broken = samples.broken {
      experiment.inspect = { network in
        [
          Distribution("normal", of: try network.errors(of: samples.set.test)),
          Distribution("broken", of: try network.errors(of: broken)),
        ]
      }
    }
    return experiment
  }
}

/// What one network is trained and tested on.
struct ArchitectureSamples {
  var set: DataSet
  /// Samples of machines that are broken, for an autoencoder that has heard good ones only.
  var broken: ImageSet?
}

extension Network {
  /// The mean squared difference between output and input of each sample.
  fileprivate func errors(of images: ImageSet) throws -> [Float] {
    let outputs = try predict(images).outputs.values
    guard case .bytes(let bytes) = images.pixels else { return [] }
    let size = images.shape.elementCount
    return (0..<images.count).map { image in
      var sum: Float = 0
      for index in image * size..<(image + 1) * size {
        let difference = outputs[index] - Float(bytes[index]) / 255
        sum += difference * difference
      }
      return sum / Float(size)
    }
  }
}

/// How well a number tells two groups apart.
enum RankSum {
  /// The area under the curve of hits against false alarms: the chance that a value of `high` is above one of `low`, where
  /// equal ones count half. 0.5: nothing is told apart. Both are in ascending order, and neither is empty.
  static func area(low: [Float], high: [Float]) -> Double {
    var (below, upTo) = (0, 0)
    var sum = 0.0
    for value in high {
      while below < low.count, low[below] < value { below += 1 }
      upTo = max(upTo, below)
      while upTo < low.count, low[upTo] <= value { upTo += 1 }
      sum += Double(below) + Double(upTo - below) / 2
    }
    return sum / (Double(low.count) * Double(high.count))
  }
}
