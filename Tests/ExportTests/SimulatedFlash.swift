/// Programs that save weights into a flash memory which is an array.
enum SimulatedFlash {
  /// Two slots of some erase blocks each. A write can only clear bits. `cut_after`: operations until power is cut, in the
  /// middle of the last one: a part of its bytes is done, and one byte has a part of its bits.
  private static let flash = """
    #include "net.h"
    #include <setjmp.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>

    enum { BLOCK = 512, BLOCKS = (NET_SAVED + BLOCK - 1) / BLOCK, OPERATIONS = BLOCKS + NET_SAVED / 64 };
    static uint8_t flash[2][BLOCKS * BLOCK];
    static long cut_after = -1;
    static jmp_buf cut;
    static int failing;
    static uint32_t state = 12345;

    static uint32_t draw(void) {
      state ^= state << 13;
      state ^= state >> 17;
      state ^= state << 5;
      return state;
    }

    static int is_cut(void) { return cut_after >= 0 && cut_after-- == 0; }

    static int erase(void *context, int slot) {
      (void)context;
      for (int block = 0; block < BLOCKS; block++) {
        uint8_t *bytes = flash[slot] + block * BLOCK;
        if (is_cut()) {
          for (int i = 0; i < BLOCK; i++)
            if (draw() & 1) bytes[i] = (uint8_t)(bytes[i] | draw());
          longjmp(cut, 1);
        }
        memset(bytes, 0xff, BLOCK);
      }
      return 0;
    }

    static int write_bytes(void *context, int slot, uint32_t offset, const uint8_t bytes[64]) {
      (void)context;
      uint8_t *at = flash[slot] + offset;
      for (int i = 0; i < 64; i++)
        if (at[i] != 0xff) {
          puts("a place is written twice, or was not erased");
          exit(3);
        }
      if (is_cut()) {
        const uint32_t done = draw() % 64;
        memcpy(at, bytes, done);
        at[done] = (uint8_t)(bytes[done] | draw());
        longjmp(cut, 1);
      }
      memcpy(at, bytes, 64);
      return 0;
    }

    static int read_bytes(void *context, int slot, uint32_t offset, uint8_t bytes[64]) {
      (void)context;
      memcpy(bytes, flash[slot] + offset, 64);
      return failing && --failing == 0;
    }

    static const net_storage storage = {erase, write_bytes, read_bytes, NULL};
    static const float input[NET_INPUTS] = {1.0f, 0.5f, 0.25f};

    """

  /// Prints how often the old and the new weights were found.
  static let powerCuts =
    flash + """
      int main(void) {
        uint8_t old[32], new[32], found[32];
        static int olds, news;
        memset(flash, 0xff, sizeof flash);
        net_reset();
        if (net_save(&storage) != NET_OK) return 1;
        for (int i = 0; i < 1000; i++) {
          const uint32_t steps = net_steps();
          net_hash(old);
          net_train_step(input, i % 3, 0.01f);
          net_hash(new);
          // Most cuts late: that is where the new weights become the valid ones.
          cut_after = (long)(i % 2 ? draw() % OPERATIONS : OPERATIONS - 1 - draw() % 3);
          if (i % 10 == 0) cut_after = OPERATIONS;
          if (setjmp(cut) == 0 && net_save(&storage) != NET_OK) return 1;
          cut_after = -1;
          net_reset();
          if (net_load(&storage) != NET_OK) return 2;
          net_hash(found);
          if (memcmp(found, new, 32) == 0 && net_steps() == steps + 1) news++;
          else if (memcmp(found, old, 32) == 0 && net_steps() == steps) olds++;
          else return 3;
        }
        printf("%d %d", olds, news);
        return 0;
      }

      """

  /// Prints what `net_load` and `net_save` return for a storage that is not as it should be.
  static let refusals =
    flash + """
      static uint32_t checksum(const uint8_t *bytes, int count) {
        uint32_t sum = 0xffffffffu;
        for (int i = 0; i < count; i++) {
          sum ^= bytes[i];
          for (int k = 0; k < 8; k++) sum = sum >> 1 ^ (sum & 1 ? 0xedb88320u : 0);
        }
        return ~sum;
      }

      static void load(int places) {
        uint8_t before[32], after[32];
        net_hash(before);
        const int result = net_load(&storage);
        net_hash(after);
        printf("%d ", result);
        if (result != NET_OK && memcmp(before, after, 32) != 0) puts("the weights changed");
        (void)places;
      }

      /// A change of the head with a checksum that fits.
      static void change(int slot, int place) {
        flash[slot][place]++;
        const uint32_t sum = checksum(flash[slot], 60);
        for (int i = 0; i < 4; i++) flash[slot][60 + i] = (uint8_t)(sum >> 8 * i);
      }

      int main(void) {
        static uint8_t kept[sizeof flash];
        memset(flash, 0xff, sizeof flash);
        net_reset();
        load(0);
        net_train_step(input, 1, 0.1f);
        printf("%d ", net_save(&storage));
        memcpy(kept, flash, sizeof flash);
        flash[0][NET_SAVED / 2] ^= 1;
        load(0);
        memcpy(flash, kept, sizeof flash);
        failing = 1;
        load(0);
        flash[0][0] = 0;
        load(0);
        memcpy(flash, kept, sizeof flash);
        change(0, 4);
        load(0);
        memcpy(flash, kept, sizeof flash);
        change(0, 28);
        load(0);
        memcpy(flash, kept, sizeof flash);
        load(0);
        // The last piece is not read as it was the first time: nothing of it may stay.
        failing = 2 * (NET_SAVED / 64);
        net_train_step(input, 1, 0.1f);
        uint8_t start[32], found[32];
        printf("%d ", net_load(&storage));
        net_hash(found);
        net_reset();
        net_hash(start);
        printf("%d ", memcmp(found, start, 32) != 0);
        // A slot of another model is no reason not to save.
        change(0, 28);
        printf("%d ", net_save(&storage));
        // A slot that cannot be read may have the weights: the other one is written.
        memcpy(flash, kept, sizeof flash);
        failing = 1;
        printf("%d ", net_save(&storage));
        printf("%d ", memcmp(flash[0], kept, sizeof flash[0]) != 0);
        return 0;
      }

      """

  /// Five steps; then the same with the weights saved after three, and a device that starts anew.
  static func goesOn(_ step: String) -> String {
    flash + """
      static void steps(int count) {
        for (int i = 0; i < count; i++) {
          \(step)
        }
      }

      int main(void) {
        uint8_t wanted[32], found[32];
        memset(flash, 0xff, sizeof flash);
        net_reset();
        steps(5);
        net_hash(wanted);
        const unsigned all = (unsigned)net_steps();
        net_reset();
        steps(3);
        net_save(&storage);
        net_reset();
        net_load(&storage);
        const unsigned loaded = (unsigned)net_steps();
        steps(2);
        net_hash(found);
        printf("%s %u %u", memcmp(wanted, found, 32) == 0 ? "same" : "others", all, loaded);
        return 0;
      }

      """
  }

  /// Saves after three steps, writes the slot into slot.bin and prints the hash.
  static let saved =
    flash + """
      int main(void) {
        uint8_t digest[32];
        memset(flash, 0xff, sizeof flash);
        net_reset();
        for (int i = 0; i < 3; i++) net_train_step(input, 1, 0.1f);
        if (net_save(&storage) != NET_OK) return 1;
        FILE *file = fopen("slot.bin", "wb");
        if (!file || fwrite(flash[0], 1, NET_SAVED, file) != NET_SAVED || fclose(file)) return 1;
        net_hash(digest);
        for (int i = 0; i < 32; i++) printf("%02x", digest[i]);
        return 0;
      }

      """
}
