// Encoders of several processes that add up their gradients on their devices, by NCCL: the one that torch brings,
// loaded at run time. Declared here are those functions of its C interface that are called (nccl.h, 2.14 and later).
// Nothing waits without end: the group is made non-blocking, and who waits looks at the clock.
#pragma once
#include "device.h"
#include <ATen/ATen.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <algorithm>
#include <chrono>
#include <sched.h>
#include <unistd.h>

namespace torch_encoder {

class Nccl {
public:
  using Comm = struct OpaqueComm *;
  struct Id {
    char bytes[128];
  };
  static_assert(sizeof(Id) <= CSE_GROUP_ID_BYTES);

  std::string name;

  // The library that libtorch_cuda has loaded, else the one that is installed.
  Nccl() {
    void *library = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      throw Refusal{"expected libnccl.so.2, which torch brings for CUDA on Linux, found none: " +
                    std::string(dlerror())};
    }
    find(library, "ncclGetVersion", get_version);
    find(library, "ncclGetUniqueId", get_id);
    find(library, "ncclCommInitRankConfig", init);
    find(library, "ncclCommGetAsyncError", async_error);
    find(library, "ncclAllReduce", all_reduce);
    find(library, "ncclCommAbort", abort);
    find(library, "ncclGetErrorString", error_text);
    find(library, "ncclGetLastError", last_error);
    int version = 0;
    expect(get_version(&version), "ncclGetVersion", nullptr);
    name = "NCCL " + std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
           std::to_string(version % 100);
  }

  Id make_id() {
    Id id;
    expect(get_id(&id), "ncclGetUniqueId", nullptr);
    return id;
  }

  // Joins; `comm` is null where it fails.
  void join(Comm &comm, const Id &id, int rank, int size, double seconds) {
    Config config = {sizeof(Config), 0xcafebeef, 21400, 0};
    comm = nullptr;
    int begun = init(&comm, size, id, rank, &config);
    try {
      if (comm == nullptr || begun != in_progress) expect(begun, "ncclCommInitRankConfig", comm);
      settle(comm, "joining", seconds);
    } catch (...) {
      leave(comm);
      throw;
    }
  }

  // The sum of all members' numbers in place, on the stream that torch computes on.
  void sum(Comm &comm, const at::Tensor &values, double seconds) {
    auto *guard = c10::impl::getDeviceGuardImpl(values.device().type());
    c10::Stream stream = guard->getStream(values.device());
    // torch's own, CUDA's default stream, has no handle.
    if (stream.id() != 0) throw Refusal{"expected torch's default stream, found another"};
    auto until = deadline(seconds);
    try {
      int begun = all_reduce(values.data_ptr(), values.data_ptr(), (size_t)values.numel(), float32, add, comm, nullptr);
      if (begun != in_progress) expect(begun, "ncclAllReduce", comm);
      settle(comm, "a sum", seconds);
      for (int looks = 0; !stream.query(); looks++) pause(looks, until, "a sum");
      settle(comm, "a sum", seconds);
    } catch (...) {
      leave(comm);
      throw;
    }
  }

  void leave(Comm &comm) {
    if (comm != nullptr) abort(comm);
    comm = nullptr;
  }

private:
  // As NCCL 2.14 had it: later versions take what is not there as not said.
  struct Config {
    size_t size;
    unsigned magic, version;
    int blocking;
  };
  enum { success = 0,
         in_progress = 7,
         float32 = 7,
         add = 0 };
  using Clock = std::chrono::steady_clock;

  static Clock::time_point deadline(double seconds) {
    return Clock::now() + std::chrono::milliseconds((int64_t)(std::min(seconds, 1e6) * 1000));
  }

  static void pause(int looks, Clock::time_point until, const char *what) {
    if (looks < 1000) {
      sched_yield();
    } else {
      usleep(50);
    }
    if (Clock::now() > until)
      throw Refusal{"NCCL: expected the other members of the group, found none within the time (" + std::string(what) +
                    "). NCCL_DEBUG=INFO lets it say what it does"};
  }

  void settle(Comm comm, const char *what, double seconds) {
    auto until = deadline(seconds);
    for (int looks = 0;; looks++) {
      int state = success;
      expect(async_error(comm, &state), "ncclCommGetAsyncError", comm);
      if (state != in_progress) return expect(state, what, comm);
      pause(looks, until, what);
    }
  }

  void expect(int status, const char *what, Comm comm) {
    if (status == success) return;
    const char *detail = last_error ? last_error(comm) : nullptr;
    throw Refusal{"NCCL, " + std::string(what) + ": " + error_text(status) +
                  (detail && *detail ? std::string(": ") + detail : std::string())};
  }

  template <typename Function>
  void find(void *library, const char *symbol, Function &function) {
    function = (Function)dlsym(library, symbol);
    if (function == nullptr)
      throw Refusal{"expected NCCL 2.14 or later, found a libnccl.so.2 without " + std::string(symbol)};
  }

  int (*get_version)(int *) = nullptr;
  int (*get_id)(Id *) = nullptr;
  int (*init)(Comm *, int, Id, int, Config *) = nullptr;
  int (*async_error)(Comm, int *) = nullptr;
  int (*all_reduce)(const void *, void *, size_t, int, int, Comm, void *) = nullptr;
  int (*abort)(Comm) = nullptr;
  const char *(*error_text)(int) = nullptr;
  const char *(*last_error)(Comm) = nullptr;
};

// An encoder's membership.
class Group {
public:
  void check(const Opened &opened) {
    if (opened.device.is_cpu()) throw Refusal{"NCCL adds up on CUDA devices, and this one is cpu"};
    if (!nccl) nccl = std::make_unique<Nccl>();
  }

  void make_id(const Opened &opened, uint8_t *bytes) {
    check(opened);
    Nccl::Id id = nccl->make_id();
    std::memset(bytes, 0, CSE_GROUP_ID_BYTES);
    std::memcpy(bytes, id.bytes, sizeof id.bytes);
  }

  void join(const Opened &opened, const uint8_t *bytes, int rank, int size, double limit) {
    check(opened);
    leave();
    seconds = limit;
    Nccl::Id id;
    std::memcpy(id.bytes, bytes, sizeof id.bytes);
    nccl->join(comm, id, rank, size, seconds);
  }

  void sum(const at::Tensor &values) {
    if (comm == nullptr) throw Refusal{"expected an encoder that has joined a group, found one that has not"};
    nccl->sum(comm, values, seconds);
  }

  void leave() {
    if (nccl) nccl->leave(comm);
  }

  const char *connection() const { return nccl ? nccl->name.c_str() : ""; }

  ~Group() { leave(); }

private:
  std::unique_ptr<Nccl> nccl;
  Nccl::Comm comm = nullptr;
  double seconds = 0;
};
}  // namespace torch_encoder
