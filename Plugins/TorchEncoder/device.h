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

struct Opened {
  at::Device device{at::kCPU};
  uint32_t precision;
  bool is_fast, is_packed = false, has_flash = false;
  std::string name = "cpu";

  Opened(const std::string &asked, uint32_t precision, int64_t head_width)
      : precision(precision), is_fast(precision == CSE_BF16) {
    device = parsed(asked);
    if (device.is_cpu()) {
      if (precision == CSE_TF32) throw Refusal{"expected --device cuda for --precision tf32, found cpu"};
      return;
    }
    load();
    name = named(device.index());
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
    int count = (int)at::detail::getCUDAHooks().deviceCount();
    if (device.index() >= count)
      throw Refusal{"expected one of the " + std::to_string(count) + " CUDA devices (numbers from 0), found " +
                    device.str()};
  }

  static std::string named(int index) {
    // The driver's own library, which is loaded by now.
    void *driver = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
    auto get = driver ? (int (*)(int *, int))dlsym(driver, "cuDeviceGet") : nullptr;
    auto text = driver ? (int (*)(char *, int, int))dlsym(driver, "cuDeviceGetName") : nullptr;
    char buffer[256] = {};
    int handle = 0;
    if (!get || !text || get(&handle, index) != 0 || text(buffer, 255, handle) != 0) return "CUDA device";
    return buffer;
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
