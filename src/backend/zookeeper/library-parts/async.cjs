// In the bundle, this is what `async` is: the three functions of it that node-zookeeper-client calls, and not all 90,
// which take milliseconds to load. By their files: in the bundle, the package's name stands for this one.
exports.eachSeries = require('../../../../node_modules/async/eachSeries.js');
exports.reduce = require('../../../../node_modules/async/reduce.js');
exports.whilst = require('../../../../node_modules/async/whilst.js');
