// In the bundle, this is what `underscore` is: the three functions of it that node-zookeeper-client calls, see async.cjs.
exports.clone = require('../../../../node_modules/underscore/cjs/clone.js');
exports.defaults = require('../../../../node_modules/underscore/cjs/defaults.js');
exports.shuffle = require('../../../../node_modules/underscore/cjs/shuffle.js');
