// The modules of Python/mixcse that run plugins and encoders, as bytes.

#include "python_plugins.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const char boot[] = {
#embed "../../Python/mixcse/_worker/boot.py"
};
static const char plugin[] = {
#embed "../../Python/mixcse/plugin.py"
};
static const char package[] = {
#embed "../../Python/mixcse/_worker/__init__.py"
};
static const char abi[] = {
#embed "../../Python/mixcse/_worker/abi.py"
};
static const char numbers[] = {
#embed "../../Python/mixcse/_worker/numbers.py"
};
static const char file[] = {
#embed "../../Python/mixcse/_worker/file.py"
};
static const char memory[] = {
#embed "../../Python/mixcse/_worker/memory.py"
};
static const char plan[] = {
#embed "../../Python/mixcse/_worker/plan.py"
};
static const char caller[] = {
#embed "../../Python/mixcse/_worker/caller.py"
};
static const char instance[] = {
#embed "../../Python/mixcse/_worker/instance.py"
};
static const char orders[] = {
#embed "../../Python/mixcse/_worker/orders.py"
};
static const char masked[] = {
#embed "../../Python/mixcse/_worker/masked.py"
};
static const char models[] = {
#embed "../../Python/mixcse/_worker/models.py"
};
static const char encoder[] = {
#embed "../../Python/mixcse/_worker/encoder.py"
};
static const char loop[] = {
#embed "../../Python/mixcse/_worker/loop.py"
};

static const pp_module modules[] = {
    {"mixcse._worker.boot", boot, sizeof boot},
    {"mixcse.plugin", plugin, sizeof plugin},
    {"mixcse._worker", package, sizeof package},
    {"mixcse._worker.abi", abi, sizeof abi},
    {"mixcse._worker.file", file, sizeof file},
    {"mixcse._worker.memory", memory, sizeof memory},
    {"mixcse._worker.numbers", numbers, sizeof numbers},
    {"mixcse._worker.plan", plan, sizeof plan},
    {"mixcse._worker.caller", caller, sizeof caller},
    {"mixcse._worker.instance", instance, sizeof instance},
    {"mixcse._worker.orders", orders, sizeof orders},
    {"mixcse._worker.masked", masked, sizeof masked},
    {"mixcse._worker.models", models, sizeof models},
    {"mixcse._worker.encoder", encoder, sizeof encoder},
    {"mixcse._worker.loop", loop, sizeof loop},
};

const pp_module *pp_modules(int32_t *count) {
  *count = sizeof modules / sizeof *modules;
  return modules;
}
