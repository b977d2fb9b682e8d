/** Express 4, as far as a host of these specs needs it: its shape is that of 5. */
declare module 'express4' {
  import express from 'express';
  export default express;
}
