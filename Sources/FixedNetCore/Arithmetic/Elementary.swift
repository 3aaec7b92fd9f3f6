/// Functions of double precision without a mathematics library: the same bits on every machine.
package enum Elementary {
  /// cos(pi x) for 0 <= x <= 1, to about 1e-15.
  package static func cosine(halfTurns x: Double) -> Double {
    if x > 0.5 { return -cosine(halfTurns: 1 - x) }
    // Beyond a quarter of pi as a sine, whose series is short there.
    let isSine = x > 0.25
    let angle = Double.pi * (isSine ? 0.5 - x : x)
    let square = angle * angle
    var (term, sum) = (isSine ? angle : 1, isSine ? angle : 1)
    var k: Double = isSine ? 2 : 1
    while k < 22 {
      term *= -square / (k * (k + 1))
      sum += term
      k += 2
    }
    return sum
  }

  /// base^exponent for base > 0, to about 1e-14 relative.
  package static func power(_ base: Double, _ exponent: Double) -> Double {
    exponential(exponent * logarithm(base))
  }

  /// e^x by halving x into the series' range and squaring back.
  package static func exponential(_ x: Double) -> Double {
    let clamped = min(max(x, -700), 700)
    var (term, sum) = (1.0, 1.0)
    let part = clamped / 1024
    var k = 1.0
    while k < 12 {
      term *= part / k
      sum += term
      k += 1
    }
    for _ in 0..<10 { sum *= sum }
    return sum
  }

  /// ln x for x > 0: exponent ln 2 + 2 artanh((m - 1) / (m + 1)), m in sqrt(1/2) ... sqrt(2).
  package static func logarithm(_ x: Double) -> Double {
    var mantissa = x.significand
    var exponent = Double(Int(x.exponent))
    if mantissa > 1.414_213_562_373_095 {
      mantissa /= 2
      exponent += 1
    }
    let z = (mantissa - 1) / (mantissa + 1)
    let square = z * z
    var (power, sum) = (z, 0.0)
    var k = 1.0
    while k < 26 {
      sum += power / k
      power *= square
      k += 2
    }
    return exponent * 0.693_147_180_559_945_3 + 2 * sum
  }

  /// The z below which a standard normal variable is with probability p, 0 < p < 1, to about 1e-15 relative.
  /// Source: Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37, 1988.
  package static func normalQuantile(_ p: Double) -> Double {
    let q = p - 0.5
    if q.magnitude <= 0.425 {
      let r = 0.180625 - q * q
      return q
        * polynomial(
          r, 2509.0809287301226727, 33430.575583588128105, 67265.770927008700853,
          45921.953931549871457, 13731.693765509461125, 1971.5909503065514427,
          133.14166789178437745, 3.3871328727963666080)
        / polynomial(
          r, 5226.4952788528545610, 28729.085735721942674, 39307.895800092710610,
          21213.794301586595867, 5394.1960214247511077, 687.18700749205790830,
          42.313330701600911252, 1)
    }
    let tail = (-logarithm(q < 0 ? p : 1 - p)).squareRoot()
    let value: Double
    if tail <= 5 {
      let r = tail - 1.6
      value =
        polynomial(
          r, 7.74545014278341407640e-4, 0.0227238449892691845833, 0.241780725177450611770,
          1.27045825245236838258, 3.64784832476320460504, 5.76949722146069140550,
          4.63033784615654529590, 1.42343711074968357734)
        / polynomial(
          r, 1.05075007164441684324e-9, 5.47593808499534494600e-4, 0.0151986665636164571966,
          0.148103976427480074590, 0.689767334985100004550, 1.67638483018380384940,
          2.05319162663775882187, 1)
    } else {
      let r = tail - 5
      value =
        polynomial(
          r, 2.01033439929228813265e-7, 2.71155556874348757815e-5, 1.24266094738807843860e-3,
          0.0265321895265761230930, 0.296560571828504891230, 1.78482653991729133580,
          5.46378491116411436990, 6.65790464350110377720)
        / polynomial(
          r, 2.04426310338993978564e-15, 1.42151175831644588870e-7, 1.84631831751005468180e-5,
          7.86869131145613259100e-4, 0.0148753612908506148525, 0.136929880922735805310,
          0.599832206555887937690, 1)
    }
    return q < 0 ? -value : value
  }

  /// Horner's rule, the highest coefficient first.
  private static func polynomial(
    _ x: Double, _ a7: Double, _ a6: Double, _ a5: Double, _ a4: Double, _ a3: Double,
    _ a2: Double, _ a1: Double, _ a0: Double
  ) -> Double {
    ((((((a7 * x + a6) * x + a5) * x + a4) * x + a3) * x + a2) * x + a1) * x + a0
  }
}
