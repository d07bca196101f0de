/* What running plugins safely needs of the system and Swift cannot say: memory two processes share, a doorbell
 * between them, and what is written when a plugin takes this process down. Used by Kernels (the memory) and Host
 * (all the rest). */
#ifndef CSE_ISOLATION_H
#define CSE_ISOLATION_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* ---- memory (memory.c) ---- */
/* A descriptor of `bytes` of zeroed memory without a name in any folder; -1 with errno. Pages cost nothing until
 * they are written. */
int iso_memory(const char *name, size_t bytes);
/* Maps it at exactly `address`, where nothing may be yet; 0, or -1 with errno. */
int iso_map(int memory, void *address, size_t bytes, int writable);

/* ---- the doorbell (doorbell.c) ---- */
/* One call at a time, in shared memory. The host writes everything but `status` and what a dying worker leaves. */
typedef struct {
  uint32_t asked, answered; /* calls so far; what is waited on */
  uint32_t cancelled;
  int32_t function, status;
  int32_t signal, code; /* of the signal that ends the worker, and the address it was about */
  uint64_t address;
  uint64_t batch;
  void *call, *arguments[3];
} iso_doorbell;

void iso_ask(iso_doorbell *bell);
/* Waits for the answer to the last question: 1, or 0 after so many milliseconds. */
int iso_await_answer(iso_doorbell *bell, int milliseconds);
/* Waits for question number `answered` + 1: 1, or 0 after so many milliseconds. */
int iso_await_question(iso_doorbell *bell, int milliseconds);
void iso_answer(iso_doorbell *bell);
void iso_set_cancelled(uint32_t *word, uint32_t value);
uint32_t iso_is_cancelled(const uint32_t *word);

/* ---- the worker's bounds (worker.c)
 * ---------------------------------------------------------------------------------------- */
/* Dies with `parent`, gains no privileges, leaves no core file, is the first to go when memory runs out, and may
 * hold at most so many bytes of memory of its own (0 = no limit). 0, or -1 where the parent has ended already. */
int iso_confine(pid_t parent, uint64_t bytes);
/* From now on a signal that ends this process is noted in `bell` first. */
void iso_note_signals(iso_doorbell *bell);

/* ---- messages when a plugin ends this process (crash.c) ---- */
/* Installs handlers for the signals of crashes and for exit(); both do nothing unless a plugin is being called. */
void iso_guard(void);
/* A plugin is called from here to iso_leave on this thread: `who` and `function` must stay; `step` < 0 = outside of
 * a step. */
void iso_enter(const char *who, const char *function, int64_t step);
void iso_leave(void);

/* While the host does something of its own within a call, another plugin's for example: what iso_enter was told last on
 * this thread, until iso_resume. */
typedef struct {
  const char *who, *function;
  int64_t step;
} iso_entry;
iso_entry iso_suspend(void);
void iso_resume(iso_entry entry);
/* Starts a thread that ends the process with 69 when one call takes longer than `seconds`. `save` is called before,
 * while the plugin's thread is kept inside the call or from leaving it; may be NULL. A warning is printed at half of
 * the time. */
void iso_watch(double seconds);
void iso_on_giving_up(void (*save)(void));
#endif
