import '../wire/native.controller.js';
