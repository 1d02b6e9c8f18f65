// In the bundle, this is what `assert` is: node-zookeeper-client checks its arguments with it, and never finds fault with
// ours. Node's own takes 2 ms to load, and is loaded when there is something to say.
module.exports = (holds, message) => {
  if (!holds) require('node:assert').ok(holds, message);
};
