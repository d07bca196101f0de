/* Writes what it wants into the report of its worker (FORGERY 1 to 6) while it is loaded, or plans with arrays of its
 * own (FORGERY 7): what a host must not believe. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cse_plugin.h"

#ifndef FORGERY
#define FORGERY 0
#endif

static void say(const char *text) {
  if (write(5, text, strlen(text)) < 0) _exit(3);
}

__attribute__((constructor)) static void forge(void) {
  switch (FORGERY) {
  case 1: say("9223372036854775807:x,"); break;
  case 2: say("00000000000000000000005:ready,"); break;
  case 3: say("5:ready;1:a,1:1,1:x,0:,1:0,1:0,"); break;
  case 4: say("5:ready,1:a,1:1,1:x,0:,1:0,19:9223372036854775807,"); break;
  case 5:
    say("5:ready,");
    for (int i = 0; i < 1 << 22; i++) say("0:,0:,0:,0:,");
    break;
  case 6:
    for (;;) {
      say("1");
      usleep(20000);
    }
  default: return;
  }
  _exit(0);
}

static cse_status plan(const cse_call *call, const cse_limits *limits, cse_plan *plan) {
  (void)call, (void)limits;
  /* There in this process, and nowhere in the host's. */
  static cse_tensor_decl own[16] = {{.name = "mine"}};
  if (FORGERY == 7) {
    plan->states = own;
    plan->n_states = 1;
  }
  return CSE_OK;
}

static cse_status score(const cse_call *call, const cse_logits *logits, double *loss) {
  (void)call, (void)logits;
  *loss = 0;
  return CSE_OK;
}

const cse_library *cse_library_entry_v1(const cse_host *host) {
  static cse_component component;
  static const cse_component *components[] = {&component};
  static cse_library library;
  (void)host;
  component.struct_size = sizeof component;
  component.kind = CSE_LOSS;
  component.name = "forged";
  component.plan = plan;
  component.on_logits = score;
  library.struct_size = sizeof library;
  library.abi_major = CSE_ABI_MAJOR;
  library.abi_minor = CSE_ABI_MINOR;
  library.id = "org.example.forger";
  library.version = "1";
  library.n_components = 1;
  library.components = components;
  return &library;
}
