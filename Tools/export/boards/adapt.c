// Lets an exported library learn from a stream of images, one by one, and says what it has come to. Compiled with the
// library's header, -DLIBRARY='"net.h"', and the learning rate, -DRATE=0.01f. The stream is the file stream.bin: of each
// image its label, whether to report behind it, and its bytes.

#include "board.h"
#include LIBRARY

static uint8_t record[2 + NET_INPUTS];
static float outputs[NET_OUTPUTS];

static void line(const char *what, uint32_t number) {
  put(what);
  put_number(number);
  put("\n");
}

/// Images seen, how many of them were told right before they were learned, and the hash of the weights.
static void report(uint32_t seen, uint32_t right) {
  uint8_t digest[32];
  char text[65] = {0};
  net_hash(digest);
  for (int i = 0; i < 64; i++)
    text[i] = "0123456789abcdef"[digest[i / 2] >> (i % 2 ? 0 : 4) & 15];
  put("seen ");
  put_number(seen);
  put(" right ");
  put_number(right);
  put(" hash ");
  put(text);
  put("\n");
}

static uint8_t answer(void) {
  uint8_t best = 0;
  for (uint8_t i = 1; i < NET_OUTPUTS; i++)
    if (outputs[i] > outputs[best]) best = i;
  return best;
}

/// One more step, which is measured.
static void measure(void) {
  stack_paint();
  uint64_t start = instructions();
  net_predict_bytes(record + 2, outputs);
  line("prediction ", (uint32_t)(instructions() - start));
  start = instructions();
  net_train_step_bytes(record + 2, record[0], RATE);
  line("step ", (uint32_t)(instructions() - start));
  line("stack ", stack_used());
}

int main(void) {
  if (!net_self_test()) {
    put("the self-test fails\n");
    return 1;
  }
  net_reset();
  open_input("stream.bin");
  uint32_t right = 0;
  report(0, 0);
  for (uint32_t seen = 1; read_input(record, sizeof record) == sizeof record; seen++) {
    net_predict_bytes(record + 2, outputs);
    right += answer() == record[0];
    net_train_step_bytes(record + 2, record[0], RATE);
    if (record[1]) report(seen, right);
  }
  measure();
  return 0;
}
