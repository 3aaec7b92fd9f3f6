// All of the library under one name: `import FixedNet`.

@_exported import FixedNetCompute
@_exported import FixedNetCore
@_exported import FixedNetFiles
