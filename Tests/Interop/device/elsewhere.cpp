// Two devices of torch, "elsewhere:0" and "elsewhere:1", for machines without a GPU. Their memory is this process's, at
// addresses that nothing can read: code that takes their tensors for the processor's dies or is refused, as with a GPU.
// Copies to the processor that need not be waited for are late: they are made when somebody synchronizes. Random
// numbers come from a generator of each device. Operations are computed by the processor's kernels on copies; tensors
// of several devices in one operation are refused. elsewhere.py builds it and registers it with torch.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/EmptyTensor.h>
#include <ATen/autocast_mode.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <mutex>
#include <vector>

namespace {

constexpr auto kHere = c10::DeviceType::CPU;
constexpr auto kElsewhere = c10::DeviceType::PrivateUse1;
constexpr c10::DeviceIndex kCount = 2;
// No address of x86-64 has this bit alone among the highest.
constexpr uintptr_t kBit = uintptr_t(1) << 62;
thread_local c10::DeviceIndex current = 0;

void *here(const void *address) { return reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(address) & ~kBit); }
void *elsewhere(void *address) { return reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(address) | kBit); }

// Memory

struct Memory final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    const c10::Device device(kElsewhere, current);
    if (bytes == 0) return {nullptr, nullptr, &release, device};
    void *memory = std::malloc(bytes);
    TORCH_CHECK(memory != nullptr, "elsewhere: expected ", bytes, " bytes, found none");
    std::memset(memory, 0xff, bytes);  // what nobody wrote is no number
    return {elsewhere(memory), elsewhere(memory), &release, device};
  }
  static void release(void *address) { std::free(here(address)); }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void *to, const void *from, size_t bytes) const override { std::memcpy(here(to), here(from), bytes); }
} memory;

// The same numbers as a tensor of the processor.
at::Tensor as_here(const at::Tensor &tensor) {
  if (!tensor.is_privateuseone()) return tensor;
  void *address = here(tensor.const_data_ptr());
  return at::from_blob(address, tensor.sizes(), tensor.strides(), tensor.options().device(kHere));
}

// Copies that are not made yet, in their order.
std::mutex lock;
std::vector<std::function<void()>> late;

void synchronize() {
  std::lock_guard<std::mutex> guard(lock);
  for (const auto &copy : late) copy();
  late.clear();
}

at::Tensor copy_from(const at::Tensor &from, const at::Tensor &to, bool non_blocking) {
  if (non_blocking && !to.is_privateuseone()) {
    // Till then the target holds what nobody should read. The source may be overwritten only after it, as in a stream.
    at::Tensor target = to, values = as_here(from).clone();
    target.is_floating_point() ? target.fill_(NAN) : target.fill_(1);
    std::lock_guard<std::mutex> guard(lock);
    late.push_back([target, values] { at::Tensor(target).copy_(values); });
    return to;
  }
  synchronize();
  as_here(to).copy_(as_here(from));
  return to;
}

at::Tensor copy_from_and_resize(const at::Tensor &from, const at::Tensor &to) {
  if (to.sizes() != from.sizes()) to.resize_(from.sizes());
  return copy_from(from, to, false);
}

at::Scalar number(const at::Tensor &tensor) {
  synchronize();
  return as_here(tensor).item();
}

c10::Device device_of(std::optional<c10::Device> asked) {
  return {kElsewhere, asked && asked->has_index() ? asked->index() : current};
}

at::Tensor empty(at::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                 std::optional<at::Device> device, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  const c10::DeviceGuard guard(device_of(device));
  return at::detail::empty_generic(size, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   c10::dtype_or_default(type), format);
}

at::Tensor empty_strided(at::IntArrayRef size, at::IntArrayRef stride, std::optional<at::ScalarType> type,
                         std::optional<at::Layout>, std::optional<at::Device> device, std::optional<bool>) {
  const c10::DeviceGuard guard(device_of(device));
  return at::detail::empty_strided_generic(size, stride, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(type));
}

// Random numbers

std::vector<at::Generator> generators = {at::detail::createCPUGenerator(1), at::detail::createCPUGenerator(2)};

at::Generator generator(const at::Tensor &tensor, const std::optional<at::Generator> &given = {}) {
  return given ? *given : generators.at(tensor.device().index());
}

at::Tensor &bernoulli(at::Tensor &self, double p, std::optional<at::Generator> given) {
  as_here(self).bernoulli_(p, generator(self, given));
  return self;
}

at::Tensor &uniform(at::Tensor &self, double from, double to, std::optional<at::Generator> given) {
  as_here(self).uniform_(from, to, generator(self, given));
  return self;
}

at::Tensor &normal(at::Tensor &self, double mean, double deviation, std::optional<at::Generator> given) {
  as_here(self).normal_(mean, deviation, generator(self, given));
  return self;
}

std::tuple<at::Tensor, at::Tensor> dropout(const at::Tensor &input, double p, std::optional<bool> is_training) {
  at::Tensor mask = at::empty(input.sizes(), input.options().dtype(at::kBool));
  const bool draws = is_training.value_or(true);
  as_here(mask).bernoulli_(draws ? 1 - p : 1, generator(input));
  return {input * mask * (draws && p < 1 ? 1 / (1 - p) : 1), mask};
}

// All other operations

void refuse_mixtures(const c10::OperatorHandle &op, const torch::jit::Stack *stack) {
  const std::string &name = op.schema().name();
  // Indices may be the processor's with every device of torch.
  if (name.rfind("aten::index", 0) == 0 || name.rfind("aten::_index", 0) == 0) return;
  std::optional<c10::Device> first;
  auto look = [&](const at::Tensor &tensor) {
    if (!tensor.defined() || (tensor.is_cpu() && tensor.dim() == 0)) return;
    if (!first) first = tensor.device();
    TORCH_CHECK(*first == tensor.device(), "Expected all tensors to be on the same device, but found at least two ",
                "devices, ", *first, " and ", tensor.device(), "! (", name, ")");
  };
  const size_t count = op.schema().arguments().size();
  for (const c10::IValue &value : at::ArrayRef<c10::IValue>(*stack).slice(stack->size() - count)) {
    if (value.isTensor()) look(value.toTensor());
    if (value.isTensorList())
      for (const at::Tensor &tensor : value.toTensorVector()) look(tensor);
    if (value.isOptionalTensorList())
      for (const std::optional<at::Tensor> &tensor : value.toOptionalTensorVector())
        if (tensor) look(*tensor);
  }
}

void by_the_processor(const c10::OperatorHandle &op, torch::jit::Stack *stack) {
  refuse_mixtures(op, stack);
  at::native::cpu_fallback(op, stack, /*error_on_views=*/true);
}

// What torch asks of a device

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return kElsewhere; }
  c10::Device getDevice() const override { return {kElsewhere, current}; }
  c10::Device exchangeDevice(c10::Device device) const override {
    const c10::Device before = getDevice();
    uncheckedSetDevice(device);
    return before;
  }
  void setDevice(c10::Device device) const override { uncheckedSetDevice(device); }
  void uncheckedSetDevice(c10::Device device) const noexcept override {
    if (device.has_index()) current = device.index();
  }
  c10::Stream getStream(c10::Device device) const override { return c10::Stream(c10::Stream::DEFAULT, device); }
  c10::Stream getDefaultStream(c10::Device device) const override { return getStream(device); }
  c10::Stream getNewStream(c10::Device device, int) const override { return getStream(device); }
  c10::Stream exchangeStream(c10::Stream stream) const override { return stream; }
  c10::DeviceIndex deviceCount() const noexcept override { return kCount; }
  // One stream: whatever an event was recorded behind comes before whatever waits for it.
  void record(void **, const c10::Stream &, c10::DeviceIndex, c10::EventFlag) const override {}
  void block(void *, const c10::Stream &) const override {}
  bool queryEvent(void *) const override { return true; }
  bool queryStream(const c10::Stream &) const override { return true; }
  void synchronizeStream(const c10::Stream &) const override { synchronize(); }
  void synchronizeEvent(void *) const override { synchronize(); }
  void synchronizeDevice(c10::DeviceIndex) const override { synchronize(); }
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard)

struct Hooks final : at::PrivateUse1HooksInterface {
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
  bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
  c10::DeviceIndex deviceCount() const override { return kCount; }
  c10::DeviceIndex getCurrentDevice() const override { return current; }
  void setCurrentDevice(c10::DeviceIndex index) const override { current = index; }
  c10::DeviceIndex exchangeDevice(c10::DeviceIndex index) const override { return std::exchange(current, index); }
  c10::DeviceIndex maybeExchangeDevice(c10::DeviceIndex index) const override { return exchangeDevice(index); }
  const at::Generator &getDefaultGenerator(c10::DeviceIndex index) const override {
    return generators.at(index < 0 ? current : index);
  }
  at::Allocator *getPinnedMemoryAllocator() const override { return at::getCPUAllocator(); }
  void resizePrivateUse1Bytes(const c10::Storage &storage, size_t bytes) const override {
    const c10::DeviceGuard guard(storage.device());
    c10::DataPtr room = memory.allocate(bytes);
    memory.copy_data(room.get(), storage.data(), std::min(bytes, storage.nbytes()));
    storage.set_data_ptr_noswap(std::move(room));
    storage.set_nbytes(bytes);
  }
} hooks;

const bool is_registered = [] {
  c10::SetAllocator(kElsewhere, &memory);
  at::RegisterPrivateUse1HooksInterface(&hooks);
  return true;
}();

TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", &empty);
  m.impl("empty_strided", &empty_strided);
  m.impl("as_strided", &at::native::as_strided_tensorimpl);
  m.impl("view", &at::native::view);
  m.impl("unfold", &at::native::unfold);
  m.impl("_reshape_alias", &at::native::_reshape_alias);
  m.impl("resize_", &at::native::resize_);
  m.impl("set_.source_Storage", &at::native::set_);
  m.impl("set_.source_Storage_storage_offset", &at::native::set_storage_cpu_);
  m.impl("set_.source_Tensor", &at::native::set_tensor_);
  m.impl("_copy_from", &copy_from);
  m.impl("_copy_from_and_resize", &copy_from_and_resize);
  m.impl("_local_scalar_dense", &number);
  m.impl("bernoulli_.float", &bernoulli);
  m.impl("uniform_", &uniform);
  m.impl("normal_", &normal);
  m.impl("native_dropout", &dropout);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&by_the_processor>()); }

TORCH_LIBRARY_IMPL(_, AutocastPrivateUse1, m) { m.fallback(torch::CppFunction::makeFallthrough()); }

TORCH_LIBRARY_IMPL(aten, AutocastPrivateUse1, m) {
  KERNEL_PRIVATEUSEONE(linear, lower_precision_fp);
  KERNEL_PRIVATEUSEONE(matmul, lower_precision_fp);
  KERNEL_PRIVATEUSEONE(mm, lower_precision_fp);
  KERNEL_PRIVATEUSEONE(bmm, lower_precision_fp);
  KERNEL_PRIVATEUSEONE(addmm, lower_precision_fp);
  KERNEL_PRIVATEUSEONE(layer_norm, fp32);
}

// For elsewhere.py.
TORCH_LIBRARY(elsewhere, m) {
  m.def("synchronize", &synchronize);
  m.def("late", [] { return int64_t(late.size()); });
  m.def("current", [] { return int64_t(current); });
  m.def("set_current", [](int64_t index) { current = c10::DeviceIndex(index); });
  m.def("state", [](int64_t index) { return generators.at(index).get_state(); });
  m.def("set_state", [](int64_t index, const at::Tensor &state) { generators.at(index).set_state(state); });
  m.def("seed", [](int64_t index, int64_t seed) { generators.at(index).set_current_seed(seed); });
}

}  // namespace
