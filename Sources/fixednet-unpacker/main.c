// Unpacks files that nobody vouches for; train, study and the library start it. Its work is CUnpack's.
#include <CUnpack.h>
#include <stdio.h>

int main(void) {
  fn_job none = {0};
  // CUnpack has run before this, had this program been started as it is meant to be.
  if (fn_unpack(&none) == FN_EXIT_DONE) return 0;
  fputs("fixednet-unpacker: train, eval and study start this program to unpack files\n", stderr);
  return 64;
}
