// Pins the layout of cse.encoder/1 (64-bit): compiled as C11 and as C++17 by PluginTests, and wrong if it does not
// compile. Fields are only ever appended to structs that start with struct_size; a line here never changes, and what is
// appended gets lines of its own.
#include "cse_encoder.h"

#ifdef __cplusplus
#define CHECK(condition, text) static_assert(condition, text)
#else
#define CHECK(condition, text) _Static_assert(condition, text)
#endif
#define SIZE(type, bytes) CHECK(sizeof(type) == bytes, "size of " #type)
#define GROWS(type, bytes) CHECK(sizeof(type) >= bytes, "size of " #type " at first")
#define AT(type, field, bytes) CHECK(offsetof(type, field) == bytes, "place of " #type "." #field)

GROWS(cse_encoder_source, 112);
AT(cse_encoder_source, precision, 12);
AT(cse_encoder_source, device, 16);
AT(cse_encoder_source, vocabulary, 24);
AT(cse_encoder_source, position_rows, 64);
AT(cse_encoder_source, type_rows, 80);
AT(cse_encoder_source, norm_epsilon, 88);
AT(cse_encoder_source, seed, 96);
AT(cse_encoder_source, threads, 104);
AT(cse_encoder_source, local_rank, 112);
AT(cse_encoder_source, local_size, 116);
AT(cse_encoder_source, embedding, 120);
AT(cse_encoder_source, has_projection, 128);
AT(cse_encoder_source, task_rows, 136);
AT(cse_encoder_source, distance_buckets, 144);
AT(cse_encoder_source, layer_sets, 152);
AT(cse_encoder_source, no_dropout, 160);
AT(cse_encoder_source, global_base, 168);
AT(cse_encoder_source, local_base, 176);
AT(cse_encoder_source, local_layers, 184);
AT(cse_encoder_source, reach, 192);
AT(cse_encoder_source, no_bias, 200);
AT(cse_encoder_source, masked_head, 208);
AT(cse_encoder_source, masked_activation, 212);
AT(cse_encoder_source, padding_word, 216);
SIZE(cse_encoder_tensor, 32);
AT(cse_encoder_tensor, name, 0);
AT(cse_encoder_tensor, shape, 8);
AT(cse_encoder_tensor, ndim, 24);
AT(cse_encoder_tensor, flags, 28);
GROWS(cse_encoder_facts, 40);
AT(cse_encoder_facts, flags, 4);
AT(cse_encoder_facts, n_tensors, 8);
AT(cse_encoder_facts, max_slots, 12);
AT(cse_encoder_facts, tensors, 16);
AT(cse_encoder_facts, device_name, 24);
AT(cse_encoder_facts, library, 32);
AT(cse_encoder_facts, device_id, 40);
GROWS(cse_pass, 96);
AT(cse_pass, flags, 4);
AT(cse_pass, n_seqs, 8);
AT(cse_pass, n_tokens, 16);
AT(cse_pass, token_ids, 24);
AT(cse_pass, offsets, 32);
AT(cse_pass, first_rows, 40);
AT(cse_pass, layers, 48);
AT(cse_pass, n_layers, 56);
AT(cse_pass, rows, 60);
AT(cse_pass, hidden_dropout, 64);
AT(cse_pass, attention_dropout, 72);
AT(cse_pass, batch, 80);
AT(cse_pass, slot, 88);
GROWS(cse_adamw, 64);
AT(cse_adamw, learning_rate, 8);
AT(cse_adamw, epsilon, 40);
AT(cse_adamw, gradient_scale, 48);
AT(cse_adamw, step, 56);
GROWS(cse_encoder_1, 88);
AT(cse_encoder_1, families, 4);
AT(cse_encoder_1, open, 8);
AT(cse_encoder_1, encode, 24);
AT(cse_encoder_1, encode_backward, 32);
AT(cse_encoder_1, gradient_norm, 40);
AT(cse_encoder_1, step, 48);
AT(cse_encoder_1, clear_gradients, 56);
AT(cse_encoder_1, get, 64);
AT(cse_encoder_1, put, 72);
AT(cse_encoder_1, peak_memory, 80);
GROWS(cse_encoder_group_1, 64);
AT(cse_encoder_group_1, check, 8);
AT(cse_encoder_group_1, make_id, 16);
AT(cse_encoder_group_1, join, 24);
AT(cse_encoder_group_1, wait, 32);
AT(cse_encoder_group_1, sum_gradients, 40);
AT(cse_encoder_group_1, leave, 48);
AT(cse_encoder_group_1, connection, 56);
CHECK(CSE_GROUP_ID_BYTES == 256, "bytes of a group's name");
GROWS(cse_masked, 40);
AT(cse_masked, n_positions, 8);
AT(cse_masked, positions, 16);
AT(cse_masked, labels, 24);
AT(cse_masked, factor, 32);
GROWS(cse_encoder_masked_1, 16);
AT(cse_encoder_masked_1, learn, 8);
