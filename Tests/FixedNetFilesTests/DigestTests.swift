import FixedNet
import FixedNetFiles
import Testing

@Suite("Digest") struct DigestTests {
  /// Source: RFC 1321, appendix A.5; FIPS 180-2, appendix B.
  @Test("known digests")
  func known() {
    #expect(Digest.md5([]) == "d41d8cd98f00b204e9800998ecf8427e")
    #expect(Digest.md5(Array("message digest".utf8)) == "f96b697d7cb7938d525a2f31aaf161d0")
    #expect(
      Digest.sha256(Array("abc".utf8))
        == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
  }

  @Test("weights are their float32 bytes, in order")
  func weights() {
    let weights = [
      LayerWeights(layer: "a", tensors: [Tensor(shape: [2], values: [1, -2])]),
      LayerWeights(layer: "b", tensors: []),
      LayerWeights(layer: "c", tensors: [Tensor(shape: [], values: [0.5]), Tensor(zeros: [0])]),
    ]
    let bytes: [UInt8] = [0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 0, 0, 0, 0x3F]
    #expect(WeightsDigest.sha256(weights) == Digest.sha256(bytes))
  }
}
