#if HDF5
  import CReader

  /// Where an HDF5 file is: a file, or a member of an archive.
  struct HDF5Source {
    let file: SealedFile
    let member: ZipArchive.Place?

    /// Bytes of the HDF5 file.
    var count: Int { member?.count ?? file.count }

    /// Bytes for values that take more memory than they take in the file, before anybody knows what they should be.
    static let allowance = 64 << 20

    /// Asks a helper for what is wanted, and for members of the archive as bytes.
    /// `approved`: bytes of values that are known to be right.
    func read(_ wants: HDF5Wants, members: [ZipArchive.Place] = [], approved: Int = 0)
      throws(HelperFailure) -> HDF5Answer
    {
      try HDF5Answer(output(wants, members: members, approved: approved))
    }

    /// The same, before it is made sense of.
    func output(_ wants: HDF5Wants, members: [ZipArchive.Place] = [], approved: Int = 0)
      throws(HelperFailure) -> HelperOutput
    {
      let unpacked = members.reduce(member?.count ?? 0) { $0 + $1.count }
      // Blocks of packed values, what libhdf5 keeps of them, and text.
      let memory = 96 << 20 + unpacked + 2 * approved
      let seconds = 1 + (file.count + unpacked + approved) >> 25
      let isArchive = member != nil || !members.isEmpty
      var request = HelperRequest(
        kind: Int(isArchive ? FN_READ_ARCHIVE : FN_READ_HDF5), memory: memory, seconds: seconds)
      if isArchive {
        let all =
          members.map { ($0, Int(FN_MEMBER_BYTES)) }
          + (member.map { [($0, Int(FN_MEMBER_HDF5))] } ?? [])
        request.number(all.count)
        for (place, role) in all { request.add(place, role: role) }
      }
      request.number(approved > 0 ? 0 : HDF5Source.allowance)
      request.number(wants.count)
      request.append(wants.request.bytes)
      // What is stored in a byte may become eight; and text.
      let room = 16 << 20 + (approved > 0 ? approved : HDF5Source.allowance + 8 * count) + unpacked
      let run = try HelperRun(
        .reader, file, request, room: room,
        expected: approved > 0 ? approved : wants.hasValues ? 2 * count : 0,
        certain: approved > 0 ? approved : count / 2, seconds: seconds)
      return try run.answer()
    }
  }

  extension HelperRequest {
    fileprivate mutating func add(_ place: ZipArchive.Place, role: Int) {
      for value in [
        role, place.start, place.packedCount, place.count, place.method, Int(place.checksum),
      ] {
        number(value)
      }
    }
  }
#endif
