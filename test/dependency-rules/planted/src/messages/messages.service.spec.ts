import supertest from 'supertest';
import '../../test/support/people.js';

export const request = supertest;
