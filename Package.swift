// swift-tools-version: 6.2
import PackageDescription

/// Whether somebody else's package asked for this one. Then it has no flags that SwiftPM calls unsafe, which it refuses in
/// dependencies: a debug build of it is slow, and computes the same bits.
let isDependency = Context.packageDirectory.contains("/checkouts/")

// A debug build compiles C at -O0 and Swift at -Onone, some twenty times slower: the kernels and the engine's
// loops are optimised in every configuration, so that a debug run trains at release speed.
let optimisedC: [CSetting] =
  isDependency ? [] : [.unsafeFlags(["-O2"], .when(configuration: .debug))]
let optimisedSwift: [SwiftSetting] =
  isDependency ? [] : [.unsafeFlags(["-O"], .when(configuration: .debug))]

// The helpers are C: without Swift's library they start in half the time. From the static one nothing is taken.
let withoutSwift: [LinkerSetting] =
  isDependency
  ? []
  : [
    .unsafeFlags(
      ["-static-stdlib", "-nostartfiles"], .when(platforms: [.linux], configuration: .release))
  ]

let toolDependencies: [Target.Dependency] = [
  "FixedNet", "FixedNetFiles", "FixedNetStudies", "ToolSupport",
]

// The C that exported libraries are made of. Its text is in the program, which needs no folder beside it.
let kernelFiles =
  ["arithmetic", "functions", "elements", "noise", "smooth_functions", "straight_functions"].map {
    "Values/\($0)"
  }
  + [
    "dense", "convolution", "convolution_gradients", "depthwise", "pooling", "normalization",
    "merges",
  ].map { "Layers/\($0)" }
  + ["losses", "output_losses", "class_losses", "updates", "storage"].map { "Training/\($0)" }

/// A program of one tool, or of all. The helpers that read files are programs of their own beside it.
func program(_ name: String, _ tools: [Target.Dependency]) -> Target {
  .executableTarget(
    name: name, dependencies: tools + ["ToolSupport", "fixednet-reader", "fixednet-unpacker"],
    path: "Tools/Programs/\(name)")
}

let package = Package(
  name: "FixedNet",
  products: [
    .library(name: "FixedNet", targets: ["FixedNet"]),
    .library(name: "FixedNetCompute", targets: ["FixedNetCompute"]),
    .library(name: "FixedNetCore", targets: ["FixedNetCore"]),
    .executable(name: "fixednet", targets: ["fixednet"]),
    .executable(name: "train", targets: ["train"]),
    .executable(name: "eval", targets: ["eval"]),
    .executable(name: "plan", targets: ["plan"]),
    .executable(name: "bench", targets: ["bench"]),
    .executable(name: "study", targets: ["study"]),
    .executable(name: "export", targets: ["export"]),
    .executable(name: "fixednet-reader", targets: ["fixednet-reader"]),
    .executable(name: "fixednet-unpacker", targets: ["fixednet-unpacker"]),
  ],
  traits: [
    .trait(name: "HDF5", description: "Keras .h5 checkpoints and HDF5 data through libhdf5"),
    .trait(name: "MatIO", description: "MATLAB .mat files of versions 4 to 7 through libmatio"),
    .trait(name: "Images", description: "PNG and JPEG pictures through libpng and libjpeg-turbo"),
    .trait(name: "TensorBoard", description: "train --tensorboard: TensorBoard's event files"),
    .default(enabledTraits: ["HDF5", "MatIO", "Images"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0"),
    .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
  ],
  targets: [
    .target(
      name: "CSupport", path: "CSupport", publicHeadersPath: "include", cSettings: optimisedC),
    .target(
      name: "FixedNetCore", dependencies: ["CSupport"], swiftSettings: optimisedSwift),
    .target(name: "FixedNetCompute", dependencies: ["FixedNetCore"]),
    .target(name: "FixedNet", dependencies: ["FixedNetCompute", "FixedNetFiles"]),
    .systemLibrary(
      name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
    .systemLibrary(
      name: "CMatio", pkgConfig: "matio",
      providers: [.apt(["libmatio-dev"]), .brew(["libmatio"])]),
    .systemLibrary(
      name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
    .systemLibrary(
      name: "CJPEG", pkgConfig: "libjpeg",
      providers: [.apt(["libjpeg-dev"]), .brew(["jpeg-turbo"])]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
    .systemLibrary(
      name: "CISAL", pkgConfig: "libisal", providers: [.apt(["libisal-dev"]), .brew(["isa-l"])]),
    .systemLibrary(
      name: "CCrypto", pkgConfig: "libcrypto",
      providers: [.apt(["libssl-dev"]), .brew(["openssl"])]),
    .target(name: "CConfined", cSettings: optimisedC),
    .target(name: "CUnpack", dependencies: ["CConfined", "CISAL"], cSettings: optimisedC),
    .target(
      name: "CReader",
      dependencies: [
        "CConfined", "CZlib",
        .target(name: "CHDF5", condition: .when(traits: ["HDF5"])),
        .target(name: "CMatio", condition: .when(traits: ["MatIO"])),
        .target(name: "CPNG", condition: .when(traits: ["Images"])),
        .target(name: "CJPEG", condition: .when(traits: ["Images"])),
      ],
      cSettings: [
        .define("FN_WITH_HDF5", .when(traits: ["HDF5"])),
        .define("FN_WITH_MATIO", .when(traits: ["MatIO"])),
        .define("FN_WITH_IMAGES", .when(traits: ["Images"])),
      ] + optimisedC),
    .executableTarget(
      name: "fixednet-reader", dependencies: ["CReader"], linkerSettings: withoutSwift),
    .executableTarget(
      name: "fixednet-unpacker", dependencies: ["CUnpack"], linkerSettings: withoutSwift),
    .target(
      name: "FixedNetFiles",
      dependencies: [
        "FixedNetCompute", "CZlib", "CCrypto", "CConfined", "CUnpack", "CReader",
        .target(name: "CHDF5", condition: .when(traits: ["HDF5"])),
        .product(
          name: "SwiftProtobuf", package: "swift-protobuf",
          condition: .when(traits: ["TensorBoard"])),
      ],
      exclude: ["TensorBoard/event.proto"]),
    .target(
      name: "ToolSupport",
      dependencies: [
        "FixedNet", "FixedNetFiles", "FixedNetStudies",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tools/Support"),
    .target(name: "TrainTool", dependencies: toolDependencies, path: "Tools/train"),
    .target(name: "EvalTool", dependencies: toolDependencies, path: "Tools/eval"),
    .target(name: "PredictTool", dependencies: toolDependencies, path: "Tools/predict"),
    .target(
      name: "FixedNetExport",
      dependencies: ["CSupport", "FixedNetCompute", "FixedNetCore", "FixedNetFiles"],
      resources: kernelFiles.map { .embedInCode("Kernels/\($0).c") }),
    .target(
      name: "ExportTool", dependencies: toolDependencies + ["FixedNetExport"], path: "Tools/export",
      exclude: ["boards"]),
    .target(name: "PlanTool", dependencies: toolDependencies, path: "Tools/plan"),
    .target(
      name: "BenchTool", dependencies: toolDependencies, path: "Tools/bench", exclude: ["peers"]),
    .target(
      name: "FixedNetStudies", dependencies: ["FixedNet", "FixedNetExport", "FixedNetFiles"]),
    .target(
      name: "StudyTool", dependencies: toolDependencies, path: "Tools/study", exclude: ["keras"]),
    program("train", ["TrainTool"]),
    program("eval", ["EvalTool"]),
    program("plan", ["PlanTool"]),
    program("bench", ["BenchTool"]),
    program("study", ["StudyTool"]),
    program("export", ["ExportTool"]),
    program(
      "fixednet",
      [
        "TrainTool", "EvalTool", "PredictTool", "PlanTool", "BenchTool", "StudyTool", "ExportTool",
      ]),
    .target(name: "MallocCounter", path: "Tests/Support/MallocCounter"),
    .target(
      name: "FaultInjection", dependencies: ["FixedNet", "FixedNetFiles"],
      path: "Tests/Support/FaultInjection"),
    .executableTarget(
      name: "faults",
      dependencies: [
        "FaultInjection", "train", "eval",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Support/Faults"),
    .executableTarget(name: "measure", path: "Tests/Support/Measure"),
    .executableTarget(
      name: "confined", dependencies: ["CConfined"], path: "Tests/Support/Confined"),
    .target(
      name: "ConformanceSupport",
      dependencies: [
        "CSupport", "FixedNet", "FixedNetCore", "FixedNetFiles", "KernelCheck", "TestSupport",
      ],
      path: "Tests/Support/ConformanceSupport", swiftSettings: optimisedSwift),
    .executableTarget(
      name: "conformance",
      dependencies: [
        "ConformanceSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Support/ConformanceTool"),
    .target(
      name: "KernelCheck", dependencies: ["CSupport"], path: "Tests/Support/KernelCheck",
      cSettings: optimisedC),
    .testTarget(
      name: "CSupportTests",
      dependencies: ["CSupport", "FixedNet", "FixedNetCore", "KernelCheck"]),
    .target(name: "TestSupport", path: "Tests/Support/TestSupport"),
    .target(
      name: "FuzzTargets",
      dependencies: [
        "FixedNet", "FixedNetCore", "FixedNetFiles", "ToolSupport", "CZlib",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      path: "Tests/Support/FuzzTargets"),
    .target(name: "FuzzDriver", path: "Tests/Support/FuzzDriver"),
    .executableTarget(
      name: "fuzz", dependencies: ["FuzzTargets", "FuzzDriver", "FixedNetFiles"],
      path: "Tests/Fuzz",
      exclude: ["fuzz.sh", "inject.py", "storm.py", "kinds.py", "mutations.py", "calls.py"]),
    .testTarget(
      name: "FixedNetTests", dependencies: ["FixedNet", "MallocCounter", "TestSupport"]),
    .testTarget(
      name: "FixedNetFilesTests",
      dependencies: [
        "FixedNet", "FixedNetFiles", "CConfined", "CReader", "CUnpack", "TestSupport",
        "FuzzTargets", "LayerFixtures",
        "CZlib",
      ]),
    .target(
      name: "RandomNetworks", dependencies: ["FixedNet", "FixedNetCore"],
      path: "Tests/Support/RandomNetworks"),
    .target(
      name: "LayerFixtures", dependencies: ["FixedNet", "FixedNetFiles", "TestSupport"],
      path: "Tests/Support/LayerFixtures"),
    .testTarget(
      name: "ExportTests",
      dependencies: [
        "FixedNet", "FixedNetExport", "FixedNetFiles", "LayerFixtures", "RandomNetworks",
        "TestSupport",
      ]),
    .testTarget(
      name: "PropertyTests", dependencies: ["FixedNetFiles", "RandomNetworks", "TestSupport"]),
    .testTarget(
      name: "StudyTests",
      dependencies: [
        "FixedNetStudies", "FixedNet", "FixedNetFiles", "TestSupport", "study", "train", "eval",
      ]),
    .testTarget(
      name: "ToolTests",
      dependencies: [
        "FixedNetFiles", "ToolSupport", "TestSupport", "MallocCounter", "FaultInjection", "measure",
        "confined", "fixednet-reader", "fixednet-unpacker",
        "ConformanceSupport", "TrainTool", "EvalTool", "PredictTool", "PlanTool", "BenchTool",
        "StudyTool", "train", "eval", "plan", "bench", "study", "fixednet",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
  ],
  swiftLanguageModes: [.v6]
)

// The pages of `make docs`. Nobody who only uses the library fetches what makes them.
if Context.environment["FIXEDNET_DOCS"] != nil {
  package.dependencies.append(
    .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.4.0"))
}
