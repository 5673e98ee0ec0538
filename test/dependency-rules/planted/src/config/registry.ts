import '../threads/threads.service.js';
