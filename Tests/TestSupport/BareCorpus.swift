/// Valid texts of bare functions, one of each kind and form.
public let bareCorpus: [String] = [
  "sampler a(z1:f32[n,d], z2:f32[n,d], n:i64, d:i64, lambda:f32=0.2 in [0,1], out new:f32[n,d])"
    + " -> f32 metric(lambda) detached gain(-1)=0 ;",
  "sampler b(n:size, k:i64=2 in [1,8] \"how many\", d:size, cb uniform:f64, out noise:f32[n,k,d]) detached \"noise\" ;",
  "sampler c(n:i64, m:i64, inout bias:f32[n,m], sim:f32[n,m], above:f64=0.9 in (0,1] log) ;",
  "sampler e(z2:f64[n,d], n:i32, d:i32, out x:f64[n,d]) rows(z1) cols(x) backward(back) bias(0)=0.5 ;\n"
    + "backward back(dx:f64[n,d], n:i32, d:i32, out dz2:f64[n,d]) -> status ;",
  "# InfoNCE\nloss f = nce(logits:f32[n,m], target:i32[n], n:i64, m:i64, temperature:f64=0.05 in (0,),"
    + " out dlogits:f32[n,m], out row_loss:f64[n]) -> f64 ;",
  "loss g(logits:f64[n,m], target:i64[n], n:i64, m:i64, out row_loss:f64[n]) rowwise ;",
  "loss h(u1:f32[n,d], u2:f32[n,d], n:i64, d:i64, weight w:f32[d] = 1, scratch tmp:f64[n,d],"
    + " grad u1:f32[n,d]) -> f64 ;",
  "pooler p(hidden:f32[t,d], offsets:i64[s+1], s:i64, d:i64, out v:f32[s,d]) backward(pb) ;\n"
    + "backward pb(dv:f32[s,d], offsets:i64[s+1], t:i64, s:i64, d:i64, out dhidden:f32[t,d]) ;",
  "schedule q(step:i64, total:i64, peak:f64=1) -> f64 ; metric r(u1:f32[n,d], n:i64, d:i64) -> f64 ;",
  "library org.example.x 1.2 ; fn s(x:f64[k], k:i32, name:cstr=\"a b\", on:bool=true, out y:f64[k]) -> i32 ;",
  "sampler t(size:i64=8 in [1,], state ring:f32[size,d], state pushed:i64[1] = 0, out used:i64[1])"
    + " cols(ring) commit(u) ;\n"
    + "commit u(z2:f32[n,d], n:i64, d:i64, size:i64, inout ring:f32[size,d], inout pushed:i64[1]) -> status ;",
]
