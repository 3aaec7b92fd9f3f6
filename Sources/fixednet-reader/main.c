// Reads files that nobody vouches for; train, eval, plan and the library start it. Its work is CReader's.
#include <CReader.h>
#include <stdio.h>

int main(void) {
  // CReader has run before this, had this program been started as it is meant to be.
  fn_read_prepare();
  fputs("fixednet-reader: train, eval, plan and study start this program to read files\n", stderr);
  return 64;
}
