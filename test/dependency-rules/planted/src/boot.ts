import './embedded/identity-provider.js';
