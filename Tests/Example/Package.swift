// swift-tools-version: 6.2
import PackageDescription

// A package that uses FixedNet as any other does. run.sh says where the library is.
let package = Package(
  name: "first-hour",
  dependencies: [
    .package(url: Context.environment["FIXEDNET_URL"] ?? "", from: "0.1.0")
  ],
  targets: [
    .executableTarget(
      name: "first-hour", dependencies: [.product(name: "FixedNet", package: "fixednet")])
  ]
)
