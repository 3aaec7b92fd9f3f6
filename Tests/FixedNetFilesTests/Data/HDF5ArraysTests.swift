#if HDF5
  import FixedNetFiles
  import Testing

  @Suite("HDF5Arrays") struct HDF5ArraysTests {
    private let path = TestFiles.path("arrays/arrays.h5")

    @Test("numbers of h5py's files are read as Float")
    func read() throws {
      let x = try HDF5Arrays.readFloats(path: path, dataset: "x")
      #expect(x.shape == [2, 3, 4] && x.values == (0..<24).map { Float($0) / 8 })
      #expect(try HDF5Arrays.readFloats(path: path, dataset: "double").values == [1 / 3, -2.5])
      #expect(try HDF5Arrays.readFloats(path: path, dataset: "int").values == [1, -2, 300, 4])
      #expect(try HDF5Arrays.readFloats(path: path, dataset: "bytes").values == [0, 255])
      #expect(try HDF5Arrays.readFloats(path: path, dataset: "group/y").values == [1, 1, 1])
      #expect(try HDF5Arrays.readFloats(path: path, dataset: "empty").shape == [0, 4])
    }

    @Test(
      "what is no array of numbers is refused",
      arguments: [
        ("complex", "compound"), ("text", "type"), ("group", "a group"), ("none", "missing"),
        ("unwritten", "no values"), ("huge", "2^28"), ("../x", "plain path"), ("/x", "plain path"),
      ])
    func refused(dataset: String, word: String) throws {
      let error = try #require(throws: CheckpointError.self) {
        try HDF5Arrays.readFloats(path: path, dataset: dataset)
      }
      #expect(dataset == "text" || line(error).contains(word))
    }

    /// h5py wrote it with libver='latest' and swmr_mode, and was killed.
    @Test("a file that its writer has not closed is called so, with what takes the mark off")
    func notClosed() throws {
      let error = try #require(throws: CheckpointError.self) {
        try HDF5Arrays.readFloats(path: TestFiles.path("arrays/swmr_left_open.h5"), dataset: "x")
      }
      #expect(line(error).contains("h5clear -s") && !line(error).contains("damaged"), "\(error)")
    }

    @Test("what is written is read back")
    func roundTrip() throws {
      let folder = try TemporaryFolder()
      let values: [Float] = [0, -0.0, .nan, .infinity, .leastNonzeroMagnitude, 1 / 3]
      try HDF5Arrays.write(
        path: folder.file("y.h5"),
        datasets: [("y", [2, 3], values), ("group/scalar", [], [5]), ("none", [0, 10], [])])
      let y = try HDF5Arrays.readFloats(path: folder.file("y.h5"), dataset: "y")
      #expect(y.shape == [2, 3] && y.values.map(\.bitPattern) == values.map(\.bitPattern))
      let scalar = try HDF5Arrays.readFloats(path: folder.file("y.h5"), dataset: "group/scalar")
      #expect(scalar.shape == [] && scalar.values == [5])
      #expect(
        try HDF5Arrays.readFloats(path: folder.file("y.h5"), dataset: "none").shape == [0, 10])
      #expect(try HDF5Arrays.contains(path: folder.file("y.h5"), dataset: "y"))
      #expect(try !HDF5Arrays.contains(path: folder.file("y.h5"), dataset: "x"))
    }
  }
#endif
