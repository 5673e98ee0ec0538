import supertest from 'supertest';

export const request = supertest;
