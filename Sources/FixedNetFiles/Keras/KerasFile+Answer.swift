#if HDF5
  extension KerasFile {
    /// The records of what a helper says of a whole model's file: for tests of what is made of them.
    /// Throws: `CheckpointError`.
    package static func records(path: String) throws(CheckpointError) -> [UInt8] {
      let file: SealedFile
      do { file = try SealedFile(path: path, limit: 1 << 20, for: .reader) } catch {
        throw .file(error)
      }
      let wants = KerasReader.wants(.ifPresent, isNumbered: true)
      do {
        let output = try HDF5Source(file: file, member: nil).output(wants)
        return try output.values(at: 0, count: output.count, as: UInt8.self)
      } catch { throw HDF5File.error(error, path: path) }
    }

    /// Reads what a helper says, whatever that is.
    /// Throws: `CheckpointError`.
    package static func read(records: [UInt8]) throws(CheckpointError) -> KerasModelFile {
      let answer: HDF5Answer
      do throws(HelperFailure) {
        let output = try HelperOutput(records: records)
        try output.complete()
        answer = try HDF5Answer(output)
      } catch { throw HDF5File.error(error, path: "answer") }
      return try KerasReader(HDF5File(answer, path: "answer")).read(.ifPresent)
    }
  }
#endif
