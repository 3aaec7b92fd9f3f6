import FixedNetCompute

/// What the header says of weights that survive a loss of power.
extension HeaderText {
  var storage: String {
    guard let form = library.savedForm else { return "" }
    return """
      enum { \(big)_SAVED = \(form.byteCount) };  // bytes of what is saved

      /// Where trained weights survive a loss of power: two slots of at least \(big)_SAVED bytes each, such as two areas
      /// of flash memory that are erased apart from each other. Each function returns 0, or anything else where it failed.
      typedef struct \(name)_storage {
        /// Makes slot 0 or 1 ready to be written.
        int (*erase)(void *context, int slot);
        /// Writes 64 bytes at an offset, a multiple of 64: in order, each place once after the slot was erased.
        int (*write)(void *context, int slot, uint32_t offset, const uint8_t bytes[64]);
        /// Reads 64 bytes at an offset, a multiple of 64.
        int (*read)(void *context, int slot, uint32_t offset, uint8_t bytes[64]);
        void *context;  // handed on to the functions
      } \(name)_storage;

      /// What \(name)_save and \(name)_load return.
      enum {
        \(big)_OK = 0,
        \(big)_NOTHING_SAVED = 1,  // neither slot has been written
        \(big)_DAMAGED = 2,  // a slot was begun and not finished, or its bytes have changed; the other is no better
        \(big)_OTHER_MODEL = 3,  // a slot is of another network, or of one with other frozen layers or another optimiser
        \(big)_OTHER_VERSION = 4,  // a slot was written by a library of another version of fixednet
        \(big)_STORAGE_FAILED = 5  // a function of the storage failed, or did not read what was written
      };

      /// Saves the trained weights, what the optimiser remembers of them and its steps, into the slot that has not the
      /// newest ones: when power is cut at whatever moment, \(name)_load finds the old weights or the new ones, whole.
      /// Samples of a mini-batch that is not complete are not saved. \(big)_STORAGE_FAILED: the old weights are still
      /// there. The bytes of a slot are what fixednet export --read-back takes.
      int \(name)_save(const \(name)_storage *storage);

      /// Goes on from the newest weights that were saved; call it after \(name)_reset. Where it does not return \(big)_OK
      /// nothing has changed; of a storage that reads other bytes the second time the network is reset.
      int \(name)_load(const \(name)_storage *storage);
      """
  }
}

/// The functions that save and load.
extension SourceText {
  var storage: String {
    guard let form = library.savedForm else { return "" }
    let batch =
      network.options.training?.updatesInBackward == true
      ? ""
      : """

        memory.image = 0;
        memory.is_broken = 0;
      """
    return """
      // -- Saved weights -----------------------------------------------------------------------------------

      // What identifies the network, with places for what changes; and what was trained, for whoever reads it back.
      static const uint8_t saved_head[\(form.head.count)] = {
      \(CText.rows(form.head.map { "\($0)" }))};
      static const uint8_t saved_description[\(form.description.count)] = {
      \(CText.rows(form.description.map { "\($0)" }))};
      static const saved_form form_of_saved = {saved_head, saved_description, sizeof saved_description, \(form.floatCount)};

      // The weights and the optimiser's arrays are the first of all that is in memory.
      int \(name)_save(const \(name)_storage *storage) {
        return save_values(storage, &form_of_saved, &memory, memory.step);
      }

      int \(name)_load(const \(name)_storage *storage) {
        uint32_t steps = 0;
        int is_broken = 0;
        const int result = load_values(storage, &form_of_saved, &memory, &steps, &is_broken);
        if (is_broken) \(name)_reset();
        if (result != \(big)_OK) return result;
        memory.step = steps;\(batch)
        return result;
      }
      """
  }
}
