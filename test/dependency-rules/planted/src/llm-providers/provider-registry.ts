import '../config/registry.js';
