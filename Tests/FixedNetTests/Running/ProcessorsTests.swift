import FixedNetCompute
import Foundation
import Testing

@Suite("Processors that a process may use")
struct ProcessorsTests {
  @Test(
    "the least of machine, binding and quota",
    arguments: [
      (16, 16, nil, 16, Processors.Limit.machine), (16, 3, nil, 3, .affinity),
      (16, 16, 1.5, 2, .quota(1.5)), (16, 16, 1.1, 1, .quota(1.1)), (16, 16, 0.1, 1, .quota(0.1)),
      (16, 16, 2, 2, .quota(2)), (16, 16, 2.25, 3, .quota(2.25)), (16, 2, 1.9, 2, .affinity),
      (2, 2, 1.9, 2, .machine), (16, 2, 8, 2, .affinity), (16, 8, 2, 2, .quota(2)),
      (1, 1, 0.5, 1, .machine), (4, 0, nil, 1, .affinity),
    ] as [(Int, Int, Double?, Int, Processors.Limit)])
  func counts(
    machine: Int, bound: Int, quota: Double?, count: Int, limit: Processors.Limit
  ) {
    let found = Processors(machine: machine, bound: bound, quota: quota)
    #expect(found.count == count)
    #expect(found.limit == limit)
  }

  private static let unifiedMount = "31 23 0:28 / /sys/fs/cgroup rw,relatime - cgroup2 cgroup2 rw\n"
  private static let separateMounts = """
    31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
    32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 master:2 - cgroup cgroup rw,cpu,cpuacct
    33 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
    38 31 0:41 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
    """

  private func quota(_ groups: String, _ mounts: String, _ files: [String: String]) -> Double? {
    ControlGroups.quota(groups: groups, mounts: mounts) { files[$0] }
  }

  @Test("version 2: the least along the whole path, wherever it is")
  func unified() {
    let groups = "0::/user.slice/run-1.scope/inner\n"
    let base = "/sys/fs/cgroup"
    func least(_ files: [String: String]) -> Double? { quota(groups, Self.unifiedMount, files) }
    #expect(least([:]) == nil)
    #expect(least(["\(base)/user.slice/run-1.scope/inner/cpu.max": "max 100000\n"]) == nil)
    #expect(least(["\(base)/user.slice/run-1.scope/inner/cpu.max": "150000 100000\n"]) == 1.5)
    #expect(least(["\(base)/user.slice/run-1.scope/cpu.max": "50000 20000\n"]) == 2.5)
    #expect(least(["\(base)/user.slice/cpu.max": "300000 100000\n"]) == 3)
    #expect(
      least([
        "\(base)/user.slice/cpu.max": "100000 100000",
        "\(base)/user.slice/run-1.scope/inner/cpu.max": "800000 100000",
      ]) == 1)
    #expect(least(["\(base)/cpu.max": "200000 100000"]) == 2)
    #expect(least(["\(base)/system.slice/cpu.max": "100000 100000"]) == nil)
  }

  @Test("version 1: the hierarchy with the controller, beside others")
  func separate() {
    let groups = "9:name=systemd:/\n4:cpuset:/box\n3:cpu,cpuacct:/box/job\n0::/elsewhere\n"
    let base = "/sys/fs/cgroup/cpu,cpuacct"
    func least(_ quota: String, _ group: String, period: String = "100000\n") -> Double? {
      self.quota(
        groups, Self.separateMounts,
        [
          "\(base)\(group)/cpu.cfs_quota_us": quota, "\(base)\(group)/cpu.cfs_period_us": period,
          "/sys/fs/cgroup/cpuset/box/cpu.cfs_quota_us": "1000",
          "/sys/fs/cgroup/cpuset/box/cpu.cfs_period_us": "100000",
        ])
    }
    #expect(least("-1\n", "/box/job") == nil)
    #expect(least("250000\n", "/box/job") == 2.5)
    #expect(least("75000\n", "/box", period: "50000\n") == 1.5)
    #expect(least("75000\n", "/box/job/deeper") == nil)
    // Both are mounted: the unified one may have limits too.
    #expect(
      quota(
        groups, Self.separateMounts,
        ["/sys/fs/cgroup/unified/elsewhere/cpu.max": "120000 100000"]) == 1.2)
  }

  @Test("inside a container the mount's root is the container's group")
  func container() {
    let mounts = "690 680 0:27 /docker/a\\040b /sys/fs/cgroup ro,nosuid - cgroup2 cgroup rw\n"
    let files = ["/sys/fs/cgroup/cpu.max": "200000 100000"]
    #expect(quota("0::/docker/a b\n", mounts, files) == 2)
    // With a namespace of its own the group is the root; outside of what is mounted the root's quota holds.
    #expect(quota("0::/\n", mounts, files) == 2)
    #expect(quota("0::/../other\n", mounts, files) == 2)
    let inner = ["/sys/fs/cgroup/job/cpu.max": "50000 100000"]
    #expect(quota("0::/docker/a b/job\n", mounts, inner) == 0.5)
  }

  @Test("a group's name may hold a colon; what is no number limits nothing")
  func odd() {
    let mount = Self.unifiedMount
    #expect(quota("0::/a:b\n", mount, ["/sys/fs/cgroup/a:b/cpu.max": "100000 100000"]) == 1)
    for text in ["", "max", "x 100000", "100000 0", "-5 100000", "100000", "nan 100000", "1 2 3"] {
      #expect(quota("0::/\n", mount, ["/sys/fs/cgroup/cpu.max": text]) == nil)
    }
    #expect(quota("nonsense\n0:\n", "30 -\nshort - cgroup2\n", [:]) == nil)
  }

  @Test("this process may use at least one processor, and no more than there are")
  func here() {
    let found = Processors.available
    #expect((1...sysconf(Int32(_SC_NPROCESSORS_ONLN))).contains(found.count))
  }
}
