import '../../test/support/people.js';
