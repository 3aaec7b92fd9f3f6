import FixedNet

// XOR, on arrays in memory.
let xor = Model(
  input: .vector(2),
  layers: [Dense(units: 8, activation: .tanh), Dense(units: 2, activation: .softmax)])
let corners = try ImageSet(rows: [[0, 0], [0, 1], [1, 0], [1, 1]], labels: [0, 1, 1, 0])
let training = try Training(xor, on: corners, learningRate: .constant(0.05), batch: 4)
try training.fit(epochs: 200)
print("xor", try training.evaluate(corners).accuracy)

// A table in a file.
let iris = try DataFile.load(path: CommandLine.arguments[1]).set
let flowers = try Training(
  ModelArchitecture(named: "mlp:16").model(input: .vector(4), outputs: .classes(iris.classCount)),
  on: iris.train, validation: iris.test, learningRate: .constant(0.02), batch: 16)
try flowers.fit(epochs: 100, patience: 20)
print("iris", try flowers.evaluate(iris.test).accuracy)

// LeNet-5 on built-in digits; saved, loaded, asked without allocating.
let digits = DataSet.digits(trainCount: 2000, testCount: 500)
let lenet = try Training(BuiltInModel.lenet.model(), on: digits.train, validation: digits.test)
for epoch in try lenet.fit(epochs: 3) {
  print("epoch", epoch.number, epoch.validation?.accuracy ?? 0)
}
try lenet.network.save(to: "digits.h5")
let network = try Network(contentsOf: "digits.h5")
var outputs = [Float](repeating: 0, count: network.outputCount)
try network.predict([Float](repeating: 0, count: network.inputCount), into: &outputs)
print("sum", outputs.reduce(0, +))
print("interface", try interface())
