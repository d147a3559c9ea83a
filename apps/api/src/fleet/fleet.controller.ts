import { fleetView } from '@berth/contracts/http/fleet.js';
import { Controller } from '@nestjs/common';
import { route, Serve } from '../http/route.js';
import { FleetService } from './fleet.service.js';

const getFleet = route({
  method: 'GET',
  path: '/fleet',
  tag: 'Nodes',
  summary: 'How full the fleet is, and what could be gained',
  role: 'admin',
  status: 200,
  answer: fleetView,
});

@Controller()
export class FleetController {
  constructor(private readonly fleet: FleetService) {}

  @Serve(getFleet)
  async get() {
    return this.fleet.now();
  }
}
