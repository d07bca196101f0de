// The device of an encoder and what must be set before torch computes on it. libtorch_cuda is loaded here, where a CUDA
// device is asked for: whoever computes on processors needs none of it.
#pragma once
#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <c10/core/GradMode.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/DeviceGuard.h>
#include <cse_encoder.h>
#include <cstring>
#include <dlfcn.h>
#include <string>

namespace torch_encoder {

// What the encoder cannot do, in words for the user.
struct Refusal {
  std::string text;
};

// torch's message up to its hints and its backtrace.
inline std::string first_line(const c10::Error &error) {
  std::string text = error.what_without_backtrace();
  return text.substr(0, text.find('\n'));
}

// What torch says of too little memory, up to what it tells about its own allocator.
inline std::string shortage(const c10::Error &error) {
  std::string text = first_line(error);
  return text.substr(0, text.find(" Including "));
}

// Of the processes on this machine that each open an encoder: which one this is; {0, 0} of one that is alone.
struct Seat {
  int32_t rank = 0, size = 0;
};

struct Opened {
  at::Device device{at::kCPU};
  uint32_t precision;
  bool is_fast, is_packed = false, has_flash = false;
  std::string name = "cpu";
  std::string id;  // a CUDA device's UUID

  Opened(const std::string &asked, Seat seat, uint32_t precision, int64_t head_width)
      : precision(precision), is_fast(precision == CSE_BF16) {
    device = parsed(asked);
    if (device.is_cpu()) {
      if (precision == CSE_TF32) throw Refusal{"expected --device cuda for --precision tf32, found cpu"};
      return;
    }
    load();
    choose(asked, seat);
    name_device();
    if (!is_fast) return;
    // Whatever else torch has adds in an order of its own from run to run.
    auto short_kernel = [](const at::Tensor &x, const at::Tensor &ends) {
      at::Tensor one = x.unsqueeze(0);
      at::_efficient_attention_forward(one, one, one, {}, ends, ends, 8, 8, 0.0, 0);
    };
    is_packed = head_width % 8 == 0 && head_width <= 256 && works(head_width, short_kernel);
    has_flash = works(head_width, [](const at::Tensor &x, const at::Tensor &ends) {
      at::_flash_attention_forward(x, x, x, ends, ends, 8, 8, 0.0, false, false);
    });
    if (!is_packed)
      throw Refusal{"expected for --precision bf16 a device of compute capability 8.0 or later and heads of a multiple "
                    "of 8 up to 256 numbers, found " +
                    name + " and heads of " + std::to_string(head_width) + ". Pass --precision f32"};
  }

  uint64_t peak_memory() const {
    if (device.is_cpu()) return 0;
    return (uint64_t)at::getDeviceAllocator(at::kCUDA)->getDeviceStats(device.index()).allocated_bytes[0].peak;
  }

private:
  static at::Device parsed(const std::string &asked) {
    if (asked == "cpu") return at::Device(at::kCPU);
    std::string digits = asked == "cuda" ? "0" : asked.compare(0, 5, "cuda:") == 0 ? asked.substr(5)
                                                                                   : "";
    if (digits.empty() || digits.size() > 3 || digits.find_first_not_of("0123456789") != std::string::npos)
      throw Refusal{"expected cpu, cuda or cuda:N as --device, found " + asked};
    return at::Device(at::kCUDA, (c10::DeviceIndex)std::stoi(digits));
  }

  void load() {
    if (dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) == nullptr) {
      std::string why = dlerror();
      bool is_missing = why.find("libtorch_cuda.so: cannot open") != std::string::npos;
      throw Refusal{is_missing ? "expected a torch with CUDA for --device " + device.str() +
                                     ", found one for processors only. Install one (python -m pip install torch) and "
                                     "build the encoder again"
                               : "libtorch_cuda cannot be loaded: " + why};
    }
    try {
      at::globalContext().lazyInitDevice(at::kCUDA);
    } catch (const c10::Error &error) {
      throw Refusal{"expected a CUDA device for --device " + device.str() + ", found: " + first_line(error)};
    }
  }

  // Without a number each of several processes takes one of its own. A launcher may let each see no other than its own,
  // which has number 0 for all of them.
  void choose(const std::string &asked, Seat seat) {
    int count = (int)at::detail::getCUDAHooks().deviceCount();
    if (asked == "cuda" && seat.size > 1 && count > 1) {
      if (count < seat.size)
        throw Refusal{"expected a CUDA device for each of the " + std::to_string(seat.size) +
                      " processes on this machine, found " + std::to_string(count) + ". Start " +
                      std::to_string(count) + ", or name one for all: --device cuda:0"};
      device = at::Device(at::kCUDA, (c10::DeviceIndex)seat.rank);
    }
    if (device.index() >= count)
      throw Refusal{"expected one of the " + std::to_string(count) + " CUDA devices (numbers from 0), found " +
                    device.str()};
  }

  // By the driver's own library, which is loaded by now.
  void name_device() {
    name = "CUDA device";
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    auto find = [&](const char *symbol) { return driver ? dlsym(driver, symbol) : nullptr; };
    auto get = (int (*)(int *, int))find("cuDeviceGet");
    auto text = (int (*)(char *, int, int))find("cuDeviceGetName");
    auto uuid = (int (*)(unsigned char *, int))find("cuDeviceGetUuid_v2");
    if (!uuid) uuid = (int (*)(unsigned char *, int))find("cuDeviceGetUuid");
    char buffer[256] = {};
    unsigned char bytes[16] = {};
    int handle = 0;
    if (!get || get(&handle, device.index()) != 0) return;
    if (text && text(buffer, 255, handle) == 0) name = buffer;
    if (!uuid || uuid(bytes, handle) != 0) return;
    for (unsigned char byte : bytes) {
      snprintf(buffer, sizeof buffer, "%02x", byte);
      id += buffer;
    }
  }

  // Whether torch has a kernel of attention on packed sequences for this device.
  template <typename Kernel>
  bool works(int64_t width, Kernel kernel) const {
    at::NoGradGuard guard;
    c10::DeviceGuard here(device);
    try {
      auto options = at::TensorOptions().device(device).dtype(at::kBFloat16);
      kernel(at::zeros({8, 1, width}, options), at::tensor({0, 8}, at::kInt).to(device));
      return true;
    } catch (const c10::Error &) {
      return false;
    }
  }
};

// What holds while an encoder computes: its device, and what its products are made in. Sums are in a fixed order as it
// is: nothing here adds by atomic operations, and cuBLAS is deterministic on one stream. torch's own switch for that is
// left alone: it asks for CUBLAS_WORKSPACE_CONFIG, with which each product takes five times as long to launch.
class Turn {
public:
  explicit Turn(const Opened &opened) : guard(opened.device) {
    at::globalContext().setFloat32MatmulPrecision(opened.precision == CSE_TF32 ? "high" : "highest");
  }

private:
  c10::DeviceGuard guard;
};
}  // namespace torch_encoder
