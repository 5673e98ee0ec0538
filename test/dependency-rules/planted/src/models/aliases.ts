import '../generation/generation.service.js';
