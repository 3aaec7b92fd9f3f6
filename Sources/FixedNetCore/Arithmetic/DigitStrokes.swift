/// The pen strokes of the built-in digits: several ways of writing each, as text.
///
/// A point is four digits `xxyy`: x and y in hundredths of a box whose origin is the upper left
/// corner, x to the right and y downwards. After a point, a space continues the smooth curve, a
/// comma makes a corner there, and a slash lifts the pen. At most 16 points between two corners.
enum DigitStrokes {
  /// Ways of writing every digit.
  static let variantCount = 6

  /// The strokes of one digit. Requires 0 <= label < 10 and 0 <= variant < variantCount.
  static func strokes(label: Int, variant: Int) -> StaticString {
    switch label {
    case 0: zero(variant)
    case 1: one(variant)
    case 2: two(variant)
    case 3: three(variant)
    case 4: four(variant)
    case 5: five(variant)
    case 6: six(variant)
    case 7: seven(variant)
    case 8: eight(variant)
    default: nine(variant)
    }
  }

  private static func zero(_ variant: Int) -> StaticString {
    switch variant {
    case 0: "5206 3212 2132 2057 3084 4895 6786 7864 7838 6914 5206"  // closed at the top
    case 1: "6214 4706 2822 2050 2678 4694 6885 7957 7628 6009 4311"  // the end runs past the start
    case 2: "5808 3814 2433 2058 3187 5095 7281 8050 7324 6012"  // begins right of the top
    case 3: "5505 4012 3335 3463 4488 5694 6675 6845 6318 5207"  // narrow
    case 4: "4708 6507 7828 8155 7083 5094 2985 1858 2430 3712 5309"  // clockwise
    default: "6611 4805 2718 1746 2276 4093 6488 8064 8134 7215 5712"  // round
    }
  }

  private static func one(_ variant: Int) -> StaticString {
    switch variant {
    case 0: "5005 5095"  // a bar
    case 1: "3524 5106, 5195"  // with a flag
    case 2: "3426 5206, 5293 / 3094 7493"  // with a flag and a base
    case 3: "5704 5030 4595"  // leaning
    case 4: "2838 4122 5404, 5295"  // with a long flag
    default: "5305 5235 5068 5095"  // a wavy bar
    }
  }

  private static func two(_ variant: Int) -> StaticString {
    switch variant {
    case 0: "2426 3310 5405 7216 7338 5562 2292, 5091 8090"  // with a corner
    case 1: "2424 3608 6007 7426 6450 4080 2693 2179 3575 5287 6894 8487"  // with a loop
    case 2: "2220 4706 7219 6846 4770 2293, 8094"  // angular
    case 3: "2030 3010 5505 7620 7040 5065 2688 4084 6292 8286"  // flowing
    case 4: "2815 4806 6710 7028 5556 2491, 4086 6092 7989"  // with a wavy base
    default: "2528 3012 5005 7012 7530 6355 4078 2892 3980 5590 8092"  // with a narrow turn
    }
  }

  private static func three(_ variant: Int) -> StaticString {
    switch variant {
    case 0: "2516 4505 6912 7030 4647, 7357 7678 5295 2384"  // two bows
    case 1: "2607 7307, 4742 6848 7669 6690 4295 2386"  // with a flat top
    case 2: "2618 4606 6816 6535 4748 4151 5248 7560 7381 5094 2483"  // with a loop
    case 3: "2812 5005 6815 6432 4246, 6851 8070 6790 4595 2288"  // a large lower bow
    case 4: "2220 4305 7010 7533 5549 4650 6455 7575 5895 2690"  // rounded in the middle
    default: "3009 5606 6922 5839 4145, 6452 7170 6288 4294 2791"  // narrow
    }
  }

  private static func four(_ variant: Int) -> StaticString {
    switch variant {
    case 0: "3108 2554, 8056 / 6530 6195"  // open
    case 1: "6695 6605, 1866, 8467"  // closed, one stroke
    case 2: "4006 1960, 8357 / 6722 6195"  // open and slanted
    case 3: "2808 2442 4054 7046 / 7208 6895"  // open and rounded
    case 4: "6006 1864, 8562 / 6406 6096"  // closed, two strokes
    default: "2610 2650, 7452 / 7406 7495"  // square
    }
  }

  private static func five(_ variant: Int) -> StaticString {
    switch variant {
    case 0: "3208 2946, 5138 7452 7676 5294 2484 / 3208 7607"  // the top bar last
    case 1: "7407 3107, 2845, 5138 7553 7677 5194 2485"  // one stroke
    case 2: "7409 5006 3416 3141 5347 7362 7084 4695 2487"  // like an S
    case 3: "3609 3043, 5540 7357 6981 4894 2589 / 3609 7812"  // a rising bar
    case 4: "7206 3608 2838, 4440 6848 7869 6690 4295 2190"  // a low bow
    default: "3808 3148, 4842 6450 6774 5292 3092 / 3808 6606"  // narrow
    }
  }

  private static func six(_ variant: Int) -> StaticString {
    switch variant {
    case 0: "6805 4321 2752 2579 4494 6987 7567 5955 3960 2676"  // a curl
    case 1: "5505 3442 2570 3690 6193 7674 6657 4456 2972"  // a straight stem
    case 2: "7217 5806 3720 2550 2878 4895 7085 7264 5552 3459 2674"  // with a hook
    case 3: "6205 4020 3150 3280 4793 6184 6066 4862 3474"  // narrow
    case 4: "5006 3035 2268 3292 5894 7580 6864 4861 2876"  // a wide bow
    default: "4604 3636 3074 4494 6688 7170 5560 3668 3279"  // a small bow
    }
  }

  private static func seven(_ variant: Int) -> StaticString {
    switch variant {
    case 0: "2010 7809, 5550 4295"  // plain
    case 1: "2010 7809, 5450 4495 / 3353 7249"  // with a crossbar
    case 2: "2226 2309 7808, 5848 5295"  // with a serif
    case 3: "1917 3208 5413 7908, 5650 4895"  // with a wavy top
    case 4: "2212 5809 7412 7026 5456 4695"  // rounded
    default: "2508 7411, 6142 5395 / 4452 7450"  // steep, with a crossbar
    }
  }

  private static func eight(_ variant: Int) -> StaticString {
    switch variant {
    case 0: "6916 5006 2919 3437 5249 7263 7482 5095 2682 2864 5048 6936 6916"  // one stroke
    case 1: "5048 3138 3116 5005 6915 6938 5048 / 5048 2662 2685 5095 7485 7362 5048"  // two rings
    case 2: "7314 5005 2914 3133 5149 7368 7087 5095 2985 2868 5047 7021"  // open at the top
    case 3: "5848 4039 3820 5106 6517 6235 4655 3577 4893 6384 6568 4844"  // narrow
    case 4: "5005 2921 4943 7362 7184 4995 2784 2663 5044 7124 5005"  // begins at the top
    default: "6811 4407 2824 4042 6556 7379 5695 3289 2970 4452 6433 7212"  // slanted
    }
  }

  private static func nine(_ variant: Int) -> StaticString {
    switch variant {
    case 0: "7225 5607 3112 2433 3949 6142 7222, 7060 6795"  // a straight tail
    case 1: "7024 5307 2916 2737 4750 6741 7123, 7355 6784 4895 2988"  // a curved tail
    case 2: "7213 5005 2723 3145 5449 7130 7309, 7256 5795"  // a leaning tail
    case 3: "6518 5206 3918 3838 5046 6234 6614, 6452 6094"  // narrow
    case 4: "5447 3243 2824 4407 6811 7532 6763 4495"  // one bow
    default: "7320 5105 2515 2338 4352 6845 7618 7455 6695"  // without a corner
    }
  }
}
