// A program that predicts, with -DTRAINS trains, and with -DHASHES hashes: what the linker keeps of the library for it.

#include LIBRARY

void _start(void);
void _start(void) {
  static float input[NET_INPUTS], output[NET_OUTPUTS];
#if TRAINS == 1
  net_reset();
  net_train_step(input, 0, 0.1f);
#elif TRAINS == 2
  net_reset();
  net_train_step(input, output, 0.1f);
#endif
  net_predict(input, output);
#ifdef HASHES
  static uint8_t digest[32];
  net_hash(digest);
#endif
}
