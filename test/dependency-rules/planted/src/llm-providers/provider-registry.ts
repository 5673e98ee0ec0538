import '../config/process-input.js';
