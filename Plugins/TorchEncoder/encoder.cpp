// Kind 4 on libtorch: the functions of cse_encoder.h over Model, and every error as a message. Compiled on the user's
// machine against the torch that is there (`mixcse encoder build torch`), since torch's C++ ABI changes by version.
#include "device.h"
#include "group.h"
#include "masked_pass.h"
#include "model.h"
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/version.h>

using namespace torch_encoder;

struct cse_encoder {
  Opened opened;
  Model model;
  std::vector<cse_encoder_tensor> declared;
  std::string library = "torch " TORCH_VERSION;
  struct Kept {
    std::vector<Tensor> outputs;
    std::vector<Tensors::Leaf> leaves;
  };
  std::map<uint32_t, Kept> kept;
  Group group;

  cse_encoder(Opened opened, const Shape &shape, uint64_t seed)
      : opened(opened), model(shape, opened, seed) {
    // Numbers are the same, time and memory are not.
    if (model.is_packed && shape.has_local() && !model.has_window) library += ", local layers padded";
    for (const Place &place : model.tensors.places) {
      cse_encoder_tensor t = {};
      t.name = place.name.c_str();
      t.ndim = (int32_t)place.shape.size();
      for (int32_t i = 0; i < t.ndim; i++) t.shape[i] = place.shape[i];
      t.flags = place.kind == TABLE || place.kind == WEIGHT ? 0 : CSE_NO_DECAY;
      declared.push_back(t);
    }
  }
};

namespace {
constexpr uint32_t max_slots = 64;

cse_status say(char *message, cse_status status, const std::string &text) {
  size_t count = std::min<size_t>(text.size(), CSE_MESSAGE_BYTES - 1);
  std::memcpy(message, text.data(), count);
  message[count] = 0;
  return status;
}

// Runs a call; what it throws becomes status and message, without torch's backtrace.
template <typename Body>
cse_status guarded(const cse_encoder *encoder, char *message, Body body) {
  std::string device = encoder ? encoder->opened.device.str() : "the device";
  try {
    body();
    return CSE_OK;
  } catch (const Refusal &refusal) {
    return say(message, CSE_E_UNSUPPORTED, refusal.text);
  } catch (const c10::OutOfMemoryError &error) {
    return say(message, CSE_E_NOMEM,
               "expected room for this batch in the memory of " + device + ", found: " + shortage(error) +
                   ". Pass a smaller --batch-size or --max-length, or --precision bf16");
  } catch (const c10::Error &error) {
    return say(message, CSE_E_INTERNAL, "torch on " + device + ": " + first_line(error));
  } catch (const std::bad_alloc &) {
    return say(message, CSE_E_NOMEM, "expected more memory of the host, found none");
  } catch (const std::exception &error) {
    return say(message, CSE_E_INTERNAL, "torch on " + device + ": " + error.what());
  }
}

Tensor at_host(const float *memory, at::IntArrayRef shape) {
  return at::from_blob(const_cast<float *>(memory), shape, at::kFloat);
}

cse_status open_encoder(const cse_host *, const cse_encoder_source *source, cse_encoder **encoder,
                        cse_encoder_facts *facts, char *message) {
  return guarded(nullptr, message, [&] {
    const cse_encoder_source &s = *source;
    Shape shape(s);
    Seat seat;
    if (CSE_HAS(source, cse_encoder_source, local_size)) seat = {s.local_rank, s.local_size};
    Opened opened(s.device, seat, s.precision, s.hidden / s.heads);
    if (opened.device.is_cpu() && s.threads > 0) at::set_num_threads(s.threads);
    Turn turn(opened);
    auto made = std::make_unique<cse_encoder>(opened, shape, s.seed);
    facts->flags = CSE_REPEATABLE | (opened.is_fast ? 0 : CSE_EXACT_DROPOUT);
    facts->n_tensors = (uint32_t)made->declared.size();
    facts->tensors = made->declared.data();
    facts->max_slots = max_slots;
    facts->device_name = made->opened.name.c_str();
    facts->library = made->library.c_str();
    if (CSE_HAS(facts, cse_encoder_facts, device_id) && !made->opened.id.empty())
      facts->device_id = made->opened.id.c_str();
    *encoder = made.release();
  });
}

void close_encoder(cse_encoder *encoder) { delete encoder; }

cse_status encode(cse_encoder *e, const cse_pass *pass, float *const *out, char *message) {
  return guarded(e, message, [&] {
    Turn turn(e->opened);
    bool keeps = (pass->flags & CSE_KEEP) != 0;
    if (pass->slot >= max_slots) throw Refusal{"expected a slot below 64, found " + std::to_string(pass->slot)};
    at::AutoGradMode mode(keeps);
    e->kept.erase(pass->slot);
    e->model.tensors.drop_leaves();
    std::vector<Tensor> outputs = e->model.forward(*pass);
    for (size_t i = 0; i < outputs.size(); i++) at_host(out[i], outputs[i].sizes()).copy_(outputs[i].detach());
    if (keeps) e->kept[pass->slot] = {std::move(outputs), e->model.tensors.take_leaves()};
  });
}

cse_status encode_backward(cse_encoder *e, uint32_t slot, const float *const *d_out, char *message) {
  return guarded(e, message, [&] {
    Turn turn(e->opened);
    auto found = e->kept.find(slot);
    if (found == e->kept.end()) throw Refusal{"expected a kept pass in slot " + std::to_string(slot) + ", found none"};
    cse_encoder::Kept pass = std::move(found->second);
    e->kept.erase(found);
    std::vector<Tensor> upstream;
    for (size_t i = 0; i < pass.outputs.size(); i++)
      upstream.push_back(at_host(d_out[i], pass.outputs[i].sizes()).to(e->opened.device, at::kFloat, false, true));
    e->model.tensors.backward(pass.leaves, pass.outputs, upstream);
  });
}

cse_status gradient_norm(cse_encoder *e, double *sum, char *message) {
  return guarded(e, message, [&] {
    Turn turn(e->opened);
    at::NoGradGuard guard;
    *sum = e->model.tensors.squared_gradients();
  });
}

cse_status step(cse_encoder *e, const cse_adamw *settings, char *message) {
  return guarded(e, message, [&] {
    Turn turn(e->opened);
    at::NoGradGuard guard;
    e->model.tensors.step(*settings);
  });
}

cse_status clear_gradients(cse_encoder *e, char *message) {
  return guarded(e, message, [&] {
    Turn turn(e->opened);
    e->kept.clear();
    e->model.tensors.clear_gradients();
  });
}

cse_status move(cse_encoder *e, uint32_t tensor, int32_t what, float *memory, bool to_host, char *message) {
  return guarded(e, message, [&] {
    Turn turn(e->opened);
    at::NoGradGuard guard;
    Tensor part = e->model.tensors.part(tensor, what), host = at_host(memory, part.sizes());
    if (to_host) {
      host.copy_(part);
    } else {
      part.copy_(host);
      e->model.tensors.touch();
    }
  });
}

cse_status get(cse_encoder *e, uint32_t tensor, int32_t what, float *host, char *message) {
  return move(e, tensor, what, host, true, message);
}

cse_status put(cse_encoder *e, uint32_t tensor, int32_t what, const float *host, char *message) {
  return move(e, tensor, what, const_cast<float *>(host), false, message);
}

uint64_t peak_memory(cse_encoder *e) { return e->opened.peak_memory(); }

constexpr uint32_t families = 1 << CSE_BERT | 1 << CSE_ROBERTA | 1 << CSE_BERT_LIKE | 1 << CSE_MODERNBERT;
const cse_encoder_1 functions = {sizeof(cse_encoder_1), families, open_encoder, close_encoder, encode, encode_backward,
                                 gradient_norm, step, clear_gradients, get, put, peak_memory};

cse_status check_group(cse_encoder *e, char *message) {
  return guarded(e, message, [&] { e->group.check(e->opened); });
}

cse_status make_id(cse_encoder *e, uint8_t *id, char *message) {
  return guarded(e, message, [&] {
    Turn turn(e->opened);
    e->group.make_id(e->opened, id);
  });
}

cse_status join(cse_encoder *e, const uint8_t *id, int32_t rank, int32_t size, double seconds, char *message) {
  return guarded(e, message, [&] {
    Turn turn(e->opened);
    e->group.join(e->opened, id, rank, size, seconds);
  });
}

cse_status wait(cse_encoder *e, char *message) {
  return guarded(e, message, [&] {
    Turn turn(e->opened);
    if (e->opened.device.is_cpu()) return;
    c10::impl::getDeviceGuardImpl(e->opened.device.type())->getStream(e->opened.device).synchronize();
  });
}

cse_status sum_gradients(cse_encoder *e, char *message) {
  return guarded(e, message, [&] {
    Turn turn(e->opened);
    e->group.sum(e->model.tensors.gradients());
  });
}

void leave(cse_encoder *e) { e->group.leave(); }

const char *connection(cse_encoder *e) { return e->group.connection(); }

const cse_encoder_group_1 group_functions = {sizeof(cse_encoder_group_1), 0, check_group, make_id, join, wait,
                                             sum_gradients, leave, connection};

cse_status learn(cse_encoder *e, const cse_pass *pass, const cse_masked *masked, double *loss, char *message) {
  return guarded(e, message, [&] {
    Turn turn(e->opened);
    *loss = learn_words(e->model, *pass, *masked);
  });
}

const cse_encoder_masked_1 masked_functions = {sizeof(cse_encoder_masked_1), 0, learn};

const void *extension(const cse_component *, const char *id) {
  if (std::string(id) == CSE_ENCODER_1) return &functions;
  if (std::string(id) == CSE_ENCODER_MASKED_1) return &masked_functions;
  return std::string(id) == CSE_ENCODER_GROUP_1 ? &group_functions : nullptr;
}

cse_component described() {
  cse_component c = {CSE_COMPONENT(CSE_ENCODER)};
  c.name = "torch";
  c.doc = "Encoders like BERT and ModernBERT on libtorch " TORCH_VERSION ", on processors and CUDA devices.\n"
          "float32 and TF32 with the host's dropout masks; bf16 with fused attention and the device's own dropout.";
  c.get_extension = extension;
  return c;
}
const cse_component component = described();
}  // namespace

CSE_LIBRARY("mixcse.torch", TORCH_VERSION, "MIT", NULL, &component)
